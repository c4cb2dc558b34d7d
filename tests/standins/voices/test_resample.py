"""Sample-rate conversion keeps the tone, its level and its duration."""

import numpy as np
import pytest
from numpy.typing import NDArray

from standins.voices.resample import resample


def tone(hertz: float, rate: int, seconds: float = 0.5) -> NDArray[np.float64]:
    return 10000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16000, 24000), (22050, 16000), (22050, 24000), (24000, 16000)])
def test_a_tone_stays_the_same_tone(from_hz: int, to_hz: int) -> None:
    converted = np.frombuffer(resample(tone(1000, from_hz).astype("<i2").tobytes(), from_hz, to_hz), "<i2")
    wanted = tone(1000, to_hz)
    assert len(converted) == pytest.approx(len(wanted), abs=1)
    inside = slice(200, len(wanted) - 200)
    assert np.abs(converted[inside] - wanted[inside]).max() < 20


def test_what_the_lower_rate_cannot_carry_is_removed() -> None:
    converted = np.frombuffer(resample(tone(10000, 24000).astype("<i2").tobytes(), 24000, 16000), "<i2")
    assert np.abs(converted[200:-200]).max() < 20


def test_the_shortest_inputs_are_converted() -> None:
    assert resample(b"", 16000, 24000) == b""
    assert len(resample(b"\1\0", 16000, 24000)) == 4


def test_the_same_rate_changes_nothing() -> None:
    assert resample(b"\1\2\3\4", 16000, 16000) == b"\1\2\3\4"
