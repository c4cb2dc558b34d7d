"""A TTS that speaks silence, and fails as the test says."""

import asyncio
from typing import Any

from livekit.agents import tts
from livekit.agents.voice.io import TimedString

RATE = 24_000
AUDIO = bytes(2 * RATE // 10)
"""100 ms."""


class ScriptedTTS(tts.TTS[Any]):
    """Speaks 100 ms for each text; each attempt may fail or hang first, or stall after it."""

    def __init__(
        self, *failures: Exception | None, streaming: bool = False, hang: bool = False, stall: bool = False
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=streaming, aligned_transcript=streaming),
            sample_rate=RATE,
            num_channels=1,
        )
        self.failures = list(failures)
        self.hang = hang
        self.stall = stall
        self.spoken: list[str] = []
        self.attempts = 0
        self.attempted = asyncio.Event()
        self.closed_streams = 0
        self.prewarmed = self.closed = False

    @property
    def model(self) -> str:
        return "scripted"

    @property
    def provider(self) -> str:
        return "the test"

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        return Chunks(tts=self, input_text=text, conn_options=conn_options)

    def stream(self, *, conn_options: Any = None) -> tts.SynthesizeStream:
        return Stream(tts=self, conn_options=conn_options)

    def prewarm(self) -> None:
        self.prewarmed = True

    async def aclose(self) -> None:
        self.closed = True

    async def attempt(self) -> None:
        self.attempts += 1
        self.attempted.set()
        if self.hang:
            await asyncio.Event().wait()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure


class Chunks(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, ScriptedTTS)
        self._tts.spoken.append(self._input_text)
        await self._tts.attempt()
        output_emitter.initialize(request_id="1", sample_rate=RATE, num_channels=1, mime_type="audio/pcm")
        output_emitter.push(AUDIO)
        if self._tts.stall:
            output_emitter.flush()
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        assert isinstance(self._tts, ScriptedTTS)
        await super().aclose()
        self._tts.closed_streams += 1


class Stream(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, ScriptedTTS)
        output_emitter.initialize(request_id="1", sample_rate=RATE, num_channels=1, mime_type="audio/pcm", stream=True)
        output_emitter.start_segment(segment_id="1")
        async for piece in self._input_ch:
            if isinstance(piece, str):
                self._mark_started()
                self._tts.spoken.append(piece)
                await self._tts.attempt()
                output_emitter.push_timed_transcript(TimedString(text=piece, start_time=0.0))
                output_emitter.push(AUDIO)
        output_emitter.end_segment()

    async def aclose(self) -> None:
        assert isinstance(self._tts, ScriptedTTS)
        await super().aclose()
        self._tts.closed_streams += 1
