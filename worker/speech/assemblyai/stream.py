"""One caller's audio, through as many provider sessions as it takes.

A session is opened when there is audio, and left when no more comes, when it is about to expire, or when it fails.
Meanwhile the audio is kept, and the next session hears again what is not final yet. Only what cannot be overcome
reaches the framework as an error that ends the stream, once in a call: later streams hear nothing and say nothing.
"""

import asyncio
import dataclasses
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from livekit.agents import stt, utils
from livekit.agents.utils import is_given
from livekit.plugins import assemblyai

from worker.speech.assemblyai.backlog import CHUNK_SECONDS, Backlog, Span
from worker.speech.assemblyai.connection import Connection, Frame, SessionFailed, connect
from worker.speech.assemblyai.decisions import EXPIRED, SILENT, Action, Decision, closed
from worker.speech.assemblyai.errors import error_of
from worker.speech.assemblyai.lifetime import Lifetime
from worker.speech.assemblyai.pace import Pace
from worker.speech.assemblyai.patience import Patience
from worker.speech.assemblyai.persistence import Persistence
from worker.speech.assemblyai.silence import ServerSilence
from worker.speech.assemblyai.turn_frames import TurnJournal
from worker.speech.recorder import Recorder

if TYPE_CHECKING:
    from worker.speech.assemblyai.stt import RecordingSTT

logger = logging.getLogger("verbatim.stt")

USUAL_TURN_SILENCE_MS: Final = 2400
"""The longest silence that any model waits for by itself (streaming API, `max_turn_silence`)."""

SPARSE_PARTIALS: Final = 3.0
"""How much longer a server may be silent that sends no words before a pause (`continuous_partials`)."""

WORKING_SECONDS: Final = 10.0
"""A session that lasted so long has worked, whether anybody spoke or not."""


class RecordingStream(assemblyai.SpeechStream):
    """The plugin's stream of speech events; each connection that it makes is one provider session."""

    def __init__(
        self, *, owner: "RecordingSTT", recorder: Recorder, patience: Patience, first_options: Any, **stream: Any
    ) -> None:
        super().__init__(stt=owner, **stream)
        self._owner = owner
        self._recorder = recorder
        self._patience = patience
        self._first_options = first_options
        """Those that the call began with, which the provider is known to take."""
        self._turns = TurnJournal(recorder, formatted=self._opts.format_turns is True)
        self._backlog = Backlog(
            sample_rate=self._opts.sample_rate,
            replay_seconds=patience.replay_seconds,
            longest_silence=self._turn_silence,
        )
        self._persistence = Persistence(patience)
        sparse = self._opts.speaker_labels is True or self._opts.continuous_partials is False
        self._silence = ServerSilence(patience.silent_seconds * (SPARSE_PARTIALS if sparse else 1.0))
        self._speed = patience.catch_up_speed
        self._news = asyncio.Event()
        """Audio came, or its end."""
        self._ended = False
        """No more audio comes."""
        self._said_all = False
        """A session was given everything to the end."""
        self._speech_started = False
        """The server heard a voice, and has said nothing of its words yet."""
        self._began_at: float | None = None
        """When the newest session began, on the loop's clock; None when it has not."""
        self._lifetime: Lifetime | None = None
        self._first_heard_at: float | None = None
        self._first_offset = 0.0

    async def aclose(self) -> None:
        """End the stream at once; its `Terminate` and `Termination` go on beside the caller."""
        if self._task.done() or self._input_ch.closed:
            await super().aclose()
            return
        self.end_input()
        self._owner.bid_farewell(asyncio.create_task(self._finish()))

    async def _finish(self) -> None:
        await asyncio.wait({self._task}, timeout=self._patience.termination_seconds)
        await super().aclose()

    async def __anext__(self) -> stt.SpeechEvent:
        event = await super().__anext__()
        while self._owner.disregards(event):
            event = await super().__anext__()
        if event.type in (
            stt.SpeechEventType.FINAL_TRANSCRIPT,
            stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
        ):
            await self._recorder.settled()
        return event

    @property
    def words_pending(self) -> bool:
        """Whether there are words that no final has confirmed yet, or speech that nobody has heard."""
        if self._task.done() or not self._owner.listens:
            return False
        return self._turns.pending or self._backlog.unheard_speech() is not None

    def listen(self, since: float) -> None:
        """Begin with what was heard since that time (Unix seconds); before it another agent listened."""
        self._backlog.forget(since)
        self._news.set()

    def call_is_over(self) -> None:
        """Journal a gap for what was said and is not being heard."""
        if not self._task.done() and not self._backlog.is_attended:
            self._lose(self._backlog.unheard_speech())

    async def _run(self) -> None:
        if self._owner.given_up is not None:
            # It was told when it happened. The framework makes a stream anew every half second, until the call is over.
            async for _ in self._input_ch:
                pass
            return
        self._first_offset = self.start_time_offset
        hearing = asyncio.create_task(self._hear())
        try:
            while not (self._owner.listens or self._ended):
                await self._next_news()
            while self._owner.listens and await self._something_to_hear():
                try:
                    await self._hold_session()
                except SessionFailed as failure:
                    await self._overcome(failure.decision)
            await hearing
        finally:
            await utils.aio.cancel_and_wait(hearing)
            if self._owner.given_up is None:
                self._lose(self._backlog.unheard_speech())
                self._owner.deafness.ends()

    async def _hear(self) -> None:
        try:
            async for frame in self._input_ch:
                if isinstance(frame, self._FlushSentinel):
                    continue  # a shorter message would be out of bounds; the rest goes with the next one
                heard_at = time.time()
                if self._first_heard_at is None:
                    self._first_heard_at = heard_at
                samples = frame.data.tobytes()
                if self._owner.echo is not None:
                    samples = self._owner.echo.passed(samples, heard_at)
                for span in self._backlog.hear(samples, heard_at, voice=self._owner.hears_caller):
                    self._lose(span)
                self._news.set()
            self._backlog.fill_up()
        finally:
            self._ended = True
            self._news.set()

    def _lose(self, span: Span | None) -> None:
        if span is not None and self._owner.listens:
            self._owner.deafness.lost(span.began, span.ended)

    async def _something_to_hear(self) -> bool:
        """Wait for audio; return whether there is a reason for another session."""
        while not self._ended and not self._backlog.new_chunks and self._backlog.unheard_speech() is None:
            await self._next_news()
        if self._ended:
            return not self._said_all and self._backlog.unheard_speech() is not None
        return True

    async def _next_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _hold_session(self) -> None:
        """Open one provider session and stay in it until it is left.

        Raises:
            SessionFailed: it could not begin, or ended unasked.
        """
        self._began_at = None
        while not self._config_update_queue.empty():
            self._config_update_queue.get_nowait()  # the connection is opened with the newest options
        connection = await connect(self._connect_ws, self._recorder, self._patience)
        begun = asyncio.Event()
        sender = asyncio.create_task(self._send(connection, begun))
        receiver = asyncio.create_task(self._receive(connection, begun))
        configuration = asyncio.create_task(self._send_configuration(connection, begun))
        try:
            await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
            if sender.done() and sender.exception() is None:
                await asyncio.wait({receiver}, timeout=self._patience.termination_seconds)
            failures = [task.exception() for task in (receiver, sender) if task.done()]
            for failure in filter(None, failures):
                raise failure
        finally:
            # Who is slow to say goodbye has heard everything all the same; who breaks off may not have.
            heard_out = connection.terminated or (self._said_all and not receiver.done())
            await utils.aio.cancel_and_wait(sender, receiver, configuration)
            self._leave(connection, heard_out=heard_out)

    def _leave(self, connection: Connection, *, heard_out: bool) -> None:
        self._turns.end()
        if heard_out and not self._turns.pending:
            self._backlog.confirm_sent()
        self._backlog.rewind()
        first_order = self._turns.first_order

        def take(frame: Frame) -> None:
            # The next session hears the words again; what only this one knows is who spoke, and its bill.
            if frame.get("type") == "SpeakerRevision":
                self._turns.revise(frame, first_order)

        self._owner.bid_farewell(asyncio.create_task(connection.farewell(take)))

    async def _send(self, connection: Connection, begun: asyncio.Event) -> None:
        await begun.wait()
        loop = asyncio.get_running_loop()
        pace = Pace(self._speed, loop.time())
        try:
            while await self._stays():
                chunk = self._backlog.take()
                if chunk is None:
                    continue
                await asyncio.sleep(pace.wait(CHUNK_SECONDS, loop.time()))
                pace.sent(CHUNK_SECONDS)
                self._turns.clock.send(CHUNK_SECONDS, chunk.heard_at)
                self._speech_duration += CHUNK_SECONDS
                await connection.send_audio(chunk.data)
                self._sent(chunk.heard_at)
        except (aiohttp.ClientError, ConnectionError):
            return  # the receiver sees the same end of the socket, and knows its reason
        self._said_all = self._ended
        await connection.terminate()

    async def _stays(self) -> bool:
        """Wait until there is audio to be sent; return False when the session is to be left instead.

        Raises:
            SessionFailed: it is left in the middle of a turn, which the next one hears again.
        """
        now = asyncio.get_running_loop().time()
        if self._lifetime is not None and self._lifetime.is_over(now):
            raise SessionFailed(closed(EXPIRED))
        if self._lifetime is not None and self._lifetime.is_ending(now) and self._is_pause:
            return False
        try:
            async with asyncio.timeout(self._patience.idle_seconds):
                while self._backlog.is_sent and not self._ended:
                    await self._next_news()
        except TimeoutError:
            return False
        return not self._backlog.is_sent

    @property
    def _is_pause(self) -> bool:
        return self._backlog.is_quiet and not self._turns.pending and not self._owner.caller_speaks

    def _sent(self, heard_at: float) -> None:
        """Audio went that was heard at that time."""
        self._silence.sent(CHUNK_SECONDS, speaking=self._owner.hears_caller, turn_open=self._turns.pending)
        if self._silence.is_dead(self._turn_silence):
            self._silence.taken_for_dead()
            raise SessionFailed(SILENT)
        if not (self._turns.pending or self._speech_started or self._silence.doubtful):
            self._backlog.confirm(heard_at - self._patience.settled_seconds)

    @property
    def _turn_silence(self) -> float:
        """Seconds of silence that end a turn at the latest."""
        longest = self._opts.max_turn_silence
        return (longest if is_given(longest) else USUAL_TURN_SILENCE_MS) / 1000

    async def _send_configuration(self, connection: Connection, begun: asyncio.Event) -> None:
        await begun.wait()
        while True:
            await connection.send(await self._config_update_queue.get())

    async def _receive(self, connection: Connection, begun: asyncio.Event) -> None:
        while (frame := await connection.frame()) is not None:
            kind = frame.get("type")
            if kind == "Begin":
                self._begin(connection, frame)
                begun.set()
            elif kind == "Turn" and not self._take_turn(frame):
                continue
            elif kind == "SpeechStarted":
                self._silence.breaks()
                self._speech_started = True
                self._align(frame.get("timestamp"))
            elif kind == "SpeakerRevision":
                self._turns.revise(frame, self._turns.first_order)
            try:
                self._process_stream_event(frame)
            except Exception as error:  # its text may quote the message
                logger.error("the AssemblyAI plugin cannot read a %s message: %s", kind, type(error).__name__)

    def _begin(self, connection: Connection, frame: Frame) -> None:
        now = self._began_at = asyncio.get_running_loop().time()
        session, expires_at = str(frame.get("id", "")), frame.get("expires_at")
        expires_in = expires_at - time.time() if isinstance(expires_at, int | float) else 0.0
        self._lifetime = Lifetime(expires_in, self._patience.rotation_seconds, now)
        self._turns.begin(session, start_time=time.time())
        self._last_preflight_start_time = 0.0
        self._silence.begins()
        self._backlog.attend()
        self._owner.deafness.ends()
        connection.began(self._turns.stream, session)

    def _take_turn(self, frame: Frame) -> bool:
        """Journal a `Turn`; return whether the session may see it."""
        if not self._turns.take(frame):
            return False
        self._silence.breaks()
        self._persistence.recovered()
        self._speech_started = False
        if self._turns.final_until is not None:
            self._backlog.confirm(self._turns.final_until)
            self._turns.final_until = None
        if words := frame.get("words"):
            self._align(words[-1].get("end"))
        return True

    def _align(self, stream_ms: object) -> None:
        """Tell the plugin when its time zero was, as seen from that moment of the session."""
        if isinstance(stream_ms, int | float):
            zero = self._turns.clock.wall_clock(stream_ms / 1000) - stream_ms / 1000
            self.start_time = max(0.0, zero)
            self.start_time_offset = max(0.0, self._first_offset + zero - (self._first_heard_at or zero))

    async def _overcome(self, decision: Decision) -> None:
        """Wait until there may be another session.

        Raises:
            APIError: there will be none in this call.
        """
        now = asyncio.get_running_loop().time()
        if self._began_at is not None and now - self._began_at > WORKING_SECONDS:
            self._persistence.recovered()
        wait = self._persistence.wait(decision, now)
        if wait is not None and decision.action is Action.RECONFIGURE and not self._reconfigure(decision):
            wait = None
        if wait is None:
            self._give_up(decision)
        if not decision.expected and not self._ended:
            logger.warning("%s Trying again in %.1f s.", decision.sentence, wait, extra={"code": decision.code})
            error = error_of(decision, retryable=True)
            label = self._owner.label
            self._owner.emit("error", stt.STTError(timestamp=time.time(), label=label, error=error, recoverable=True))
        await asyncio.sleep(wait or 0)

    def _reconfigure(self, decision: Decision) -> bool:
        """Do differently what the provider did not take; return whether there is a difference."""
        if decision.code == "assemblyai.close_3007":
            self._speed = 1.0
            return True
        if self._opts == self._first_options:
            return False
        self._opts = dataclasses.replace(self._first_options)
        return True

    def _give_up(self, decision: Decision) -> None:
        self._owner.given_up = decision
        span = self._backlog.unheard_speech()
        now = time.time()
        self._owner.deafness.lost(span.began if span is not None else now, now)
        raise error_of(decision, retryable=False)
