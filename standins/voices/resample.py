"""Sample-rate conversion: a windowed-sinc filter bank, exact and the same on every machine."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

ZERO_CROSSINGS = 16  # on each side; -80 dB beyond the passband with the window below
KAISER_BETA = 8.0
ROLL_OFF = 0.94  # the passband ends below half the lower rate, so that the slope does not alias
BLOCK = 16384  # output samples at a time: memory stays small for long texts


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """Converts speech to another sample rate.

    Args:
        pcm: Signed 16-bit little-endian mono samples.
        from_hz: Their rate.
        to_hz: The wanted rate.

    Returns:
        The same speech at `to_hz`, in the same format and of the same duration.
    """
    if from_hz == to_hz or not pcm:
        return pcm
    divisor = math.gcd(from_hz, to_hz)
    up, down = to_hz // divisor, from_hz // divisor
    filters = _filters(up, cutoff=ROLL_OFF * min(1.0, to_hz / from_hz))
    taps = filters.shape[1]
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    windows = sliding_window_view(np.pad(samples, (taps // 2 - 1, taps // 2)), taps)
    count = math.ceil(len(samples) * up / down)
    blocks = []
    for start in range(0, count, BLOCK):
        position = np.arange(start, min(start + BLOCK, count)) * down
        blocks.append(np.einsum("nt,nt->n", windows[position // up], filters[position % up]))
    converted: bytes = np.clip(np.rint(np.concatenate(blocks)), -32768, 32767).astype("<i2").tobytes()
    return converted


def _filters(phases: int, cutoff: float) -> NDArray[np.float64]:
    """One row of weights for each position between two samples; `cutoff` in parts of half the rate."""
    half = math.ceil(ZERO_CROSSINGS / cutoff)
    offsets = np.arange(1 - half, half + 1) - np.arange(phases)[:, None] / phases
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, None))) / np.i0(KAISER_BETA)
    weights = cutoff * np.sinc(cutoff * offsets) * window
    normalised: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return normalised
