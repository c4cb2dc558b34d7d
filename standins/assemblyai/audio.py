"""What arrives on the wire, made into what the engines hear: 16 kHz, 16 bit little endian, mono."""

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000
SAMPLE_BYTES = 2
BYTES_PER_MS = SAMPLE_RATE * SAMPLE_BYTES // 1000

Samples = npt.NDArray[np.int16]

_MULAW_BIAS = 0x84


def _mulaw_table() -> Samples:
    """ITU-T G.711 µ-law, all 256 codes."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _MULAW_BIAS) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, _MULAW_BIAS - magnitude, magnitude - _MULAW_BIAS).astype(np.int16)


_MULAW = _mulaw_table()


class Ingest:
    """One connection's audio format.

    Args:
        encoding: `pcm_s16le` or `pcm_mulaw`.
        sample_rate: In hertz.
    """

    def __init__(self, encoding: str, sample_rate: int) -> None:
        self._mulaw = encoding == "pcm_mulaw"
        self._sample_rate = sample_rate

    def duration_ms(self, chunk: bytes) -> float:
        """How long a message's audio is, in milliseconds."""
        return 1000 * len(chunk) / (1 if self._mulaw else SAMPLE_BYTES) / self._sample_rate

    def decode(self, chunk: bytes) -> bytes:
        """A message's audio at 16 kHz. An odd last byte is dropped."""
        if self._mulaw:
            samples = _MULAW[np.frombuffer(chunk, dtype=np.uint8)]
        else:
            samples = np.frombuffer(chunk[: len(chunk) // SAMPLE_BYTES * SAMPLE_BYTES], dtype="<i2")
        if self._sample_rate == SAMPLE_RATE or not samples.size:
            return samples.astype("<i2").tobytes()
        # Straight lines between samples are enough for what a stand-in has to hear.
        places = np.arange(0, samples.size, self._sample_rate / SAMPLE_RATE)
        resampled: Samples = np.interp(places, np.arange(samples.size), samples).astype("<i2")
        return resampled.tobytes()


def loudness(pcm: bytes, frame_ms: int) -> list[float]:
    """Root mean square of each whole frame, of 32767."""
    samples = np.frombuffer(pcm, dtype="<i2")
    per_frame = SAMPLE_RATE * frame_ms // 1000
    frames = samples[: samples.size // per_frame * per_frame].reshape(-1, per_frame).astype(np.float32)
    return [float(value) for value in np.sqrt(np.mean(frames * frames, axis=1))]
