"""One caller in one room."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self, TypeVar

from livekit import rtc

from standins.caller.captions import Caption, Captions
from standins.caller.ear import FRAME_MS, SAMPLE_RATE, Burst, Ear
from standins.caller.errors import CallEndedError, CallerError, NoAgentError, NoAnswerError
from standins.caller.heard import Answer, Interruption, Spoken
from standins.caller.loopback import keep_direct
from standins.caller.microphone import Microphone
from standins.caller.telephone import ECHO_DB, Echo, narrow
from standins.voices import Synthesizer

CHAT_TOPIC = "lk.chat"
CONNECT_DEADLINE_S = 10.0
HANG_UP_DEADLINE_S = 5.0
SPEAK_MARGIN_S = 5.0
DTMF_CODES = "0123456789*#ABCD"  # a key's code is its place: RFC 4733, section 3.2
KEY_S = 0.1
QUIET_S = 0.8

T = TypeVar("T")


class Caller:
    """Speaks with a synthesised voice and listens to the agents in the room.

    An async context manager: leaving it hangs up.

    Args:
        voice: A voice of the synthesizer.
        synthesizer: Shared by several callers of a process; None makes one.
        quiet_s: An agent that was quiet for so long has finished. Between its sentences it is quiet for less.
        on_phone: Whether the line is a telephone's: narrow, and with an echo.
        echo_db: How loud that is, beside what is heard.
    """

    def __init__(
        self,
        *,
        voice: str = "slt",
        synthesizer: Synthesizer | None = None,
        quiet_s: float = QUIET_S,
        on_phone: bool = False,
        echo_db: float = ECHO_DB,
    ) -> None:
        self._echo = Echo(echo_db) if on_phone else None
        self._quiet_s = quiet_s
        self._voice = voice
        self._synthesizer = synthesizer or Synthesizer()
        self._room = rtc.Room()
        self._captions = Captions()
        self._ears: dict[str, Ear] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tick = asyncio.Condition()
        self._microphone: Microphone | None = None
        self._ended: str | None = None
        self._listens_from = 0.0
        self._acted_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()

    @property
    def room(self) -> rtc.Room:
        """The room, for what a test does beyond calling."""
        return self._room

    @property
    def agents(self) -> list[str]:
        """The identities of the agents whose voice is heard, or was."""
        return list(self._ears)

    @property
    def captions(self) -> list[Caption]:
        """What agents published as text, of themselves and of people."""
        return self._captions.all()

    @property
    def speeches(self) -> dict[str, list[tuple[float, float]]]:
        """When each agent was heard to speak: from and to, in monotonic seconds."""
        heard = {name: ear.speech_since(0.0, pause_s=math.inf) for name, ear in self._ears.items()}
        return {name: [(each.started_at, each.ended_at) for each in speech] for name, speech in heard.items()}

    @property
    def recordings(self) -> dict[str, bytes]:
        """Everything heard of each agent: signed 16-bit little-endian mono samples at 16 kHz."""
        return {identity: bytes(ear.recording) for identity, ear in self._ears.items()}

    async def join(self, url: str, token: str) -> None:
        """Enters the room that the token is for, with an open microphone.

        Raises:
            CallerError: If the server cannot be reached or refuses the token.
        """
        keep_direct(url)
        self._listens_from = time.monotonic()  # an agent that is there already greets while the caller joins
        self._captions.attach(self._room)
        self._room.on("track_subscribed", self._track_subscribed)
        self._room.on("disconnected", self._disconnected)
        options = rtc.RoomOptions(connect_timeout=CONNECT_DEADLINE_S)
        try:
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                await self._room.connect(url, token, options)
        except (rtc.ConnectError, TimeoutError) as error:
            raise CallerError(f"The caller cannot join at {url}: {error or 'no answer'}.") from None
        self._microphone = Microphone(self._beat, self._echo)
        source = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self._room.local_participant.publish_track(self._microphone.track, source)
        self._microphone.start()
        self._acted_at = time.monotonic()

    async def wait_for_agent(self, deadline_s: float = 30.0) -> str:
        """Waits until an agent's voice can be heard.

        Returns:
            The agent's identity.

        Raises:
            NoAgentError: If there is none by the deadline.
            CallEndedError: If the room is gone.
        """

        def present() -> str | None:
            return next((one for one in self._ears if one in self._room.remote_participants), None)

        return await self._wait(present, deadline_s, NoAgentError("No agent came into the room."))

    async def speak(self, text: str) -> Spoken:
        """Says a sentence.

        Raises:
            CallEndedError: If the room is gone.
        """
        spoken = await self._say(text, await self._pcm(text))
        # From its beginning: an agent that answers before the end is heard as well.
        self._listens_from, self._acted_at = spoken.started_at, spoken.ended_at
        return spoken

    async def listen(self, deadline_s: float = 20.0) -> Answer:
        """Waits for the agent's answer and for its end.

        Raises:
            NoAnswerError: If there is none, or no end of it, by the deadline.
            CallEndedError: If the room is gone.
        """
        since = self._listens_from

        def finished() -> tuple[Ear, list[Burst]] | None:
            ear, speech = self._heard_since(since)
            return (ear, speech) if speech and _quiet_for(speech) >= self._quiet_s else None

        ear, speech = await self._wait(finished, deadline_s, NoAnswerError("The agent did not answer."))
        self._listens_from = speech[-1].ended_at
        return Answer(
            answer_ms=(speech[0].started_at - self._acted_at) * 1000,
            started_at=speech[0].started_at,
            ended_at=speech[-1].ended_at,
            caption=self._caption_since(since),
            audio=ear.audio(speech),
        )

    async def barge_in(self, text: str, after_ms: float, deadline_s: float = 20.0) -> Interruption:
        """Talks over the agent, once it has been speaking for a while, and waits until it is quiet.

        Args:
            text: What to say.
            after_ms: How long the agent's answer has been audible by then.
            deadline_s: For the agent to start, and again to stop.

        Raises:
            NoAnswerError: If the agent did not speak for so long, or did not stop.
            CallEndedError: If the room is gone.
        """
        since = self._listens_from
        pcm = await self._pcm(text)

        def under_way() -> tuple[Ear, list[Burst]] | None:
            ear, speech = self._heard_since(since)
            lasted = (speech[-1].ended_at - speech[0].started_at) * 1000 if speech else 0.0
            return (ear, speech) if lasted >= after_ms and speech[-1].is_open else None

        too_short = NoAnswerError(f"The agent did not speak for {after_ms:.0f} ms.")
        ear, _ = await self._wait(under_way, deadline_s, too_short)
        spoken = await self._say(text, pcm)

        def stopped() -> list[Burst] | None:
            speech = ear.speech_since(since, pause_s=self._quiet_s)
            speech = [burst for burst in speech if burst.started_at < spoken.ended_at]
            return None if speech[-1].is_open else speech

        speech = await self._wait(stopped, deadline_s, NoAnswerError("The agent did not stop talking."))
        self._acted(from_moment=spoken.ended_at)
        return Interruption(
            spoken=spoken,
            heard_ms=(speech[-1].ended_at - speech[0].started_at) * 1000,
            quiet_after_ms=(speech[-1].ended_at - spoken.started_at) * 1000,
            caption=self._caption_since(since),
            audio=ear.audio(speech),
        )

    async def send_text(self, text: str) -> None:
        """Writes to the agent instead of speaking."""
        self._acted(from_moment=time.monotonic())  # before: the answer may be there when sending returns
        await self._room.local_participant.send_text(text, topic=CHAT_TOPIC)

    async def press(self, keys: str) -> None:
        """Presses keys of a telephone: each is a message, as a SIP gateway sends it for the tones."""
        self._acted(from_moment=time.monotonic())
        for key in keys:
            await self._room.local_participant.publish_dtmf(code=DTMF_CODES.index(key), digit=key)
            await asyncio.sleep(KEY_S)

    def mute(self) -> None:
        """Mutes the microphone as a client's button does; what is spoken meanwhile reaches nobody."""
        self._open_microphone().track.mute()

    def unmute(self) -> None:
        """Opens the microphone again."""
        self._open_microphone().track.unmute()

    async def hang_up(self) -> None:
        """Says goodbye to the server and leaves. Does nothing the second time."""
        if self._microphone is not None:
            await self._microphone.aclose()
            self._microphone = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            # The native library may never tell the end of a stream whose sender was killed.
            await asyncio.wait(set(self._tasks), timeout=HANG_UP_DEADLINE_S)
        self._ended = self._ended or "the caller hung up"
        # A server that no longer answers needs no goodbye.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_DEADLINE_S):
                await self._room.disconnect()
        await self._captions.aclose()

    async def wait_until_ended(self, deadline_s: float) -> str:
        """Waits until the other side ends the call.

        Returns:
            The server's reason, for instance `ROOM_DELETED`.

        Raises:
            CallerError: If the call still goes on at the deadline.
        """
        return await self._wait(lambda: self._ended, deadline_s, CallerError("The call did not end."))

    def _acted(self, *, from_moment: float) -> None:
        """What is heard from this moment on answers what the caller did then."""
        self._listens_from = self._acted_at = from_moment

    async def _pcm(self, text: str) -> bytes:
        pcm = await self._synthesizer.speak(text, self._voice, SAMPLE_RATE)
        return pcm if self._echo is None else await asyncio.to_thread(narrow, pcm)

    async def _say(self, text: str, pcm: bytes) -> Spoken:
        if self._ended is not None:
            raise CallEndedError(f"The call has ended: {self._ended}.")
        deadline_s = len(pcm) / (2 * SAMPLE_RATE) + SPEAK_MARGIN_S
        try:
            async with asyncio.timeout(deadline_s):
                span = await self._open_microphone().speak(pcm)
        except TimeoutError:
            raise CallEndedError("The microphone was closed while the caller spoke.") from None
        return Spoken(text, *span)

    def _open_microphone(self) -> Microphone:
        if self._microphone is None:
            raise CallerError("The caller is not in a room: join first.")
        return self._microphone

    def _heard_since(self, moment: float) -> tuple[Ear, list[Burst]]:
        """The first speech since a moment, of whichever agent spoke first."""
        heard = [(ear, ear.speech_since(moment, pause_s=self._quiet_s)) for ear in self._ears.values()]
        spoke = [(ear, speech) for ear, speech in heard if speech]
        return min(spoke, key=lambda one: one[1][0].started_at, default=(Ear(), []))

    def _caption_since(self, moment: float) -> str:
        return self._captions.text_since(moment, lambda speaker: speaker in self._ears)

    async def _wait(self, look: Callable[[], T | None], deadline_s: float, missed: CallerError) -> T:
        """Looks at every tick until there is something to see."""
        try:
            async with asyncio.timeout(deadline_s), self._tick:
                while (seen := look()) is None:
                    if self._ended is not None:
                        raise CallEndedError(f"The call has ended: {self._ended}.")
                    await self._tick.wait()
                return seen
        except TimeoutError:
            raise missed from None

    async def _beat(self) -> None:
        async with self._tick:
            self._tick.notify_all()

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _track_subscribed(
        self, track: rtc.Track, _: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        is_agent = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        if is_agent and track.kind == rtc.TrackKind.KIND_AUDIO:
            ear = self._ears.setdefault(participant.identity, Ear())
            self._own(self._listen_to(track, ear))

    async def _listen_to(self, track: rtc.Track, ear: Ear) -> None:
        stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1, frame_size_ms=FRAME_MS)
        try:
            async for event in stream:
                heard = bytes(event.frame.data)
                ear.hear(heard, time.monotonic())
                if self._echo is not None:
                    self._echo.hear(heard)
        finally:
            await stream.aclose()

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._ended = self._ended or str(rtc.DisconnectReason.Name(reason))


def _quiet_for(speech: list[Burst]) -> float:
    """How long ago a speech was last heard, in seconds."""
    return time.monotonic() - speech[-1].ended_at
