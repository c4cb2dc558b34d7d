"""The caller's microphone: 10 ms frames in real time, speech when there is some and silence between."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from livekit import rtc

from standins.caller.ear import FRAME_BYTES, SAMPLE_RATE, audible_frames
from standins.caller.telephone import Echo

QUEUE_MS = 200  # ahead of real time, so that a process which waits for a core leaves no hole in the speech
CLOSE_DEADLINE_S = 1.0
SILENCE = bytes(FRAME_BYTES)


class Microphone:
    """Feeds an audio source for ever; the source's queue sets the pace.

    Args:
        on_frame: Awaited after every frame, so that the caller has a clock of 10 ms.
        echo: Mixed into everything that is sent; None: there is none.
    """

    def __init__(self, on_frame: Callable[[], Awaitable[None]], echo: Echo | None = None) -> None:
        self._echo = echo
        self._source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=QUEUE_MS)
        self._on_frame = on_frame
        self._speech: Iterator[tuple[int, bytes]] | None = None
        self._audible = (0, 0)
        self._span = (0.0, 0.0)
        self._done = asyncio.Event()
        self._turn = asyncio.Lock()
        self._is_closing = False
        self._pump: asyncio.Task[None] | None = None
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)

    async def speak(self, pcm: bytes) -> tuple[float, float]:
        """Sends speech and returns when its last frame has left.

        Args:
            pcm: Signed 16-bit little-endian mono samples at 16 kHz.

        Returns:
            The moments at which the first and the last audible frame leave, in monotonic seconds.
        """
        async with self._turn:
            frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
            self._audible = audible_frames(pcm)
            self._done.clear()
            self._speech = iter(enumerate(frames))
            await self._done.wait()
            await asyncio.sleep(max(0.0, self._span[1] - time.monotonic()))
            return self._span

    def start(self) -> None:
        """Begins to feed the source; it goes on until `aclose`."""
        self._pump = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self._is_closing:
            position, samples = self._next()
            if self._echo is not None:
                samples = self._echo.mixed_with(samples)
            frame = rtc.AudioFrame(samples.ljust(FRAME_BYTES, b"\0"), SAMPLE_RATE, 1, FRAME_BYTES // 2)
            await self._source.capture_frame(frame)
            leaves_at = time.monotonic() + self._source.queued_duration
            if position == self._audible[0]:
                self._span = (leaves_at, leaves_at)
            elif position == self._audible[1]:
                self._span = (self._span[0], leaves_at)
            await self._on_frame()

    def _next(self) -> tuple[int, bytes]:
        """The next frame, and its position in the speech; -1 in the silence between."""
        if self._speech is None:
            return -1, SILENCE
        following = next(self._speech, None)
        if following is None:
            self._speech = None
            self._done.set()
            return -1, SILENCE
        return following

    async def aclose(self) -> None:
        """Ends after the frame that is on its way, and frees the source."""
        # Never cancelled in the middle of a frame: the native library would report it when nobody listens
        # any more, which aborts a process that is about to end.
        self._is_closing = True
        if self._pump is not None:
            await asyncio.wait({self._pump}, timeout=CLOSE_DEADLINE_S)
            self._pump.cancel()
        await self._source.aclose()
