"""The session's microphone and loudspeaker in memory."""

import asyncio
import time

from livekit import rtc
from livekit.agents.voice import io

FRAME_S = 0.05


class Speaker(io.AudioOutput):
    """A loudspeaker that plays nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__(label="Speaker", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=24_000)
        self.captured = asyncio.Event()
        self.flushed = asyncio.Event()
        self._seconds = 0.0
        self._started = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._seconds += frame.duration
        self.captured.set()

    def flush(self) -> None:
        super().flush()
        self.flushed.set()

    def begin_to_play(self) -> None:
        self._started = True
        self.on_playback_started(created_at=time.time())

    def play_all(self) -> None:
        if not self._started:
            self.begin_to_play()
        self._finish(self._seconds, interrupted=False)

    def clear_buffer(self) -> None:
        if self._seconds:
            self._finish(self._seconds / 2 if self._started else 0.0, interrupted=True)

    def _finish(self, position: float, *, interrupted: bool) -> None:
        self._seconds, self._started = 0.0, False
        self.captured.clear()
        self.flushed.clear()
        self.on_playback_finished(playback_position=position, interrupted=interrupted)


class Microphone(io.AudioInput):
    """A hum of one `level` (0 is silence), in frames of 50 ms, as fast as a room gives them."""

    def __init__(self, level: int = 0) -> None:
        super().__init__(label="Microphone")
        self._sample = level.to_bytes(2, "little", signed=True)

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(FRAME_S)
        samples = round(16_000 * FRAME_S)
        return rtc.AudioFrame(self._sample * samples, 16_000, 1, samples)
