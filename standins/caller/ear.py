"""Finds speech in what is heard: a level gate over frames of 10 ms. Pure: frames and their times in, bursts out."""

from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 16000
FRAME_MS = 10
FRAME_BYTES = SAMPLE_RATE * 2 * FRAME_MS // 1000

AUDIBLE_RMS = 100.0  # of 32767: far above what a codec makes of silence, far below any voice
ONSET_FRAMES = 3  # a click is shorter
PAUSE_FRAMES = 20  # a pause between two words is shorter


@dataclass(slots=True)
class Burst:
    """Speech without a pause."""

    started_at: float
    """When its first audible frame came, in seconds."""
    ended_at: float
    """When its last audible frame so far came."""
    first_byte: int
    """Where it begins in the recording."""
    end_byte: int
    """Where its last audible frame ends in the recording."""
    is_open: bool = True
    """Whether it may still go on: no pause has been heard."""


class Ear:
    """One voice as it is heard.

    Attributes:
        recording: Everything heard: signed 16-bit little-endian mono samples at 16 kHz.
        bursts: The speech in it, in order.
    """

    def __init__(self) -> None:
        self.recording = bytearray()
        self.bursts: list[Burst] = []
        self._audible = 0
        self._quiet = 0
        self._onset_at = 0.0

    def hear(self, frame: bytes, at: float) -> None:
        """Takes the next 10 ms, which came at a moment in seconds."""
        self.recording += frame
        if is_audible(frame):
            self._quiet = 0
            self._audible += 1
            if self._audible == 1:
                self._onset_at = at
        else:
            self._audible = 0
            self._quiet += 1
        burst = self.bursts[-1] if self.bursts and self.bursts[-1].is_open else None
        if burst is not None:
            if self._audible:
                burst.ended_at, burst.end_byte = at, len(self.recording)
            burst.is_open = self._quiet < PAUSE_FRAMES
        elif self._audible == ONSET_FRAMES:
            first_byte = len(self.recording) - ONSET_FRAMES * len(frame)
            self.bursts.append(Burst(self._onset_at, at, first_byte, len(self.recording)))

    def speech_since(self, moment: float, *, pause_s: float) -> list[Burst]:
        """The first speech that began at or after a moment: bursts that lie less than a pause apart."""
        speech: list[Burst] = []
        for burst in self.bursts:
            if burst.started_at < moment:
                continue
            if speech and burst.started_at - speech[-1].ended_at >= pause_s:
                break
            speech.append(burst)
        return speech

    def audio(self, speech: list[Burst]) -> bytes:
        """The recording from the first of these bursts to the end of the last."""
        return bytes(self.recording[speech[0].first_byte : speech[-1].end_byte])


def is_audible(frame: bytes) -> bool:
    """Whether a frame of signed 16-bit samples is loud enough to be heard."""
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float64)
    return bool(len(samples)) and float(np.sqrt(np.mean(samples**2))) >= AUDIBLE_RMS


def audible_frames(pcm: bytes) -> tuple[int, int]:
    """The positions of the first and the last audible frame of a speech; (0, 0) if there is none."""
    loud = [at for at in range(0, len(pcm), FRAME_BYTES) if is_audible(pcm[at : at + FRAME_BYTES])]
    return (loud[0] // FRAME_BYTES, loud[-1] // FRAME_BYTES) if loud else (0, 0)
