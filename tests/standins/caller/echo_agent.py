"""An agent without a worker: a participant of the kind `agent` that greets, answers, and stops when talked over."""

import asyncio
import itertools
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Self

from livekit import api, rtc

from standins.caller.ear import FRAME_BYTES, FRAME_MS, SAMPLE_RATE, Ear
from standins.voices import Synthesizer
from tests.parts.livekit_server import LiveKitServer

GREETING = "Hello and welcome. How can I help you today?"
ANSWER = "I have written that number down. What would you like to know?"
LONG_ANSWER = "First we pack your order in our store and send you an email. Then the driver takes it to your town."
LONG_QUESTION_MS = 1500
QUIET_S = 0.4
SILENCE = bytes(FRAME_BYTES)


class EchoAgent:
    """Answers speech with speech after a fixed quiet, and writes captions of what it says.

    Attributes:
        texts: The chat messages that it got.
        left: Who left, and why.
    """

    def __init__(self, server: LiveKitServer, room: str, *, identity: str = "agent-echo") -> None:
        self._url = server.url
        self._token = (
            api.AccessToken(server.api_key, server.api_secret)
            .with_identity(identity)
            .with_kind("agent")
            .with_grants(api.VideoGrants(room_join=True, room=room, agent=True))
            .to_jwt()
        )
        self._room = rtc.Room()
        self._source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=40)
        self._ear = Ear()
        self._speech = b""
        self._is_closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._segments = itertools.count()
        self.texts: list[str] = []
        self.left: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    @property
    def ear(self) -> Ear:
        """What the agent hears."""
        return self._ear

    async def __aenter__(self) -> Self:
        synthesizer = Synthesizer()
        self._said = {
            text: await synthesizer.speak(text, "ash", SAMPLE_RATE) for text in (GREETING, ANSWER, LONG_ANSWER)
        }
        self._room.on("track_subscribed", lambda track, *_: self._own(self._hear(track)))
        self._room.register_text_stream_handler("lk.chat", lambda reader, _: self._own(self._read(reader)))
        self._room.on("participant_disconnected", self._has_left)
        await self._room.connect(self._url, self._token)
        track = rtc.LocalAudioTrack.create_audio_track("agent", self._source)
        await self._room.local_participant.publish_track(track)
        self._player = asyncio.create_task(self._play())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True
        await asyncio.wait_for(self._player, 5)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._room.disconnect()
        await self._source.aclose()

    def _own(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def say(self, text: str) -> None:
        """Speaks and writes a caption, as a worker does while it plays."""
        self._speech = self._said[text]
        writer = await self._room.local_participant.stream_text(
            topic="lk.transcription",
            attributes={"lk.segment_id": f"SG_{next(self._segments)}", "lk.transcription_final": "false"},
        )
        for word in text.split():
            await writer.write(word + " ")
        await writer.aclose(attributes={"lk.transcription_final": "true"})

    def _has_left(self, participant: rtc.RemoteParticipant) -> None:
        reason = rtc.DisconnectReason.Name(participant.disconnect_reason or rtc.DisconnectReason.UNKNOWN_REASON)
        self.left.put_nowait((participant.identity, reason))

    async def _hear(self, track: rtc.Track) -> None:
        answered_at = 0.0
        stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1, frame_size_ms=FRAME_MS)
        try:
            async for event in stream:
                self._ear.hear(bytes(event.frame.data), time.monotonic())
                speech = self._ear.speech_since(answered_at, pause_s=QUIET_S)
                if not speech:
                    continue
                if speech[-1].is_open:
                    self._speech = b""
                elif time.monotonic() - speech[-1].ended_at >= QUIET_S:
                    answered_at = time.monotonic()
                    is_long = (speech[-1].ended_at - speech[0].started_at) * 1000 > LONG_QUESTION_MS
                    await self.say(LONG_ANSWER if is_long else ANSWER)
        finally:
            await stream.aclose()

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        self.texts.append(await reader.read_all())
        await self.say(ANSWER)

    async def _play(self) -> None:
        while not self._is_closing:
            frame, self._speech = self._speech[:FRAME_BYTES] or SILENCE, self._speech[FRAME_BYTES:]
            await self._source.capture_frame(
                rtc.AudioFrame(frame.ljust(FRAME_BYTES, b"\0"), SAMPLE_RATE, 1, FRAME_BYTES // 2)
            )
