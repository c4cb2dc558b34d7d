"""The sound of a telephone line: narrow, and with an echo of what is heard."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from standins.caller.ear import FRAME_BYTES, FRAME_MS, SAMPLE_RATE
from standins.voices.resample import resample

LINE_RATE = 8000  # Hz; ITU-T G.711
MU = 255.0  # ITU-T G.711, µ-law
ECHO_MS = 120
ECHO_DB = -40.0  # what the canceller of a telephone network leaves behind (ITU-T G.168)
LONGEST_ECHO_MS = 1000


def narrow(pcm: bytes) -> bytes:
    """Sends speech through a telephone line: 8 kHz and 8 bits a sample, µ-law.

    Args:
        pcm: Signed 16-bit little-endian mono samples at 16 kHz.

    Returns:
        The same, as the other end hears it.
    """
    samples = np.frombuffer(resample(pcm, SAMPLE_RATE, LINE_RATE), dtype="<i2").astype(np.float64) / 32768
    companded = np.sign(samples) * np.log1p(MU * np.abs(samples)) / np.log1p(MU)
    coarse = np.rint(companded * 127) / 127
    expanded = np.sign(coarse) * np.expm1(np.abs(coarse) * np.log1p(MU)) / MU
    line = np.clip(np.rint(expanded * 32768), -32768, 32767).astype("<i2").tobytes()
    return resample(line, LINE_RATE, SAMPLE_RATE)


class Echo:
    """Gives back some of what is heard, a moment later.

    Args:
        level_db: How loud, beside what is heard.
        delay_ms: How much later.
    """

    def __init__(self, level_db: float = ECHO_DB, delay_ms: float = ECHO_MS) -> None:
        self._gain = 10 ** (level_db / 20)
        self._waiting: deque[bytes] = deque(maxlen=round(LONGEST_ECHO_MS / FRAME_MS))
        self._silence = [bytes(FRAME_BYTES)] * round(delay_ms / FRAME_MS)

    def hear(self, frame: bytes) -> None:
        """Takes a frame of 10 ms that was just heard."""
        if not self._waiting:
            self._waiting.extend(self._silence)
        self._waiting.append(frame)

    def mixed_with(self, frame: bytes) -> bytes:
        """A frame of 10 ms that is about to be sent, with what comes back at this moment."""
        if not self._waiting:
            return frame
        mixed = _samples(frame) + self._gain * _samples(self._waiting.popleft())
        sent: bytes = np.clip(np.rint(mixed), -32768, 32767).astype("<i2").tobytes()
        return sent


def _samples(frame: bytes) -> NDArray[np.float64]:
    return np.frombuffer(frame.ljust(FRAME_BYTES, b"\0"), dtype="<i2").astype(np.float64)
