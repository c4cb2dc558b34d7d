"""A telephone line is narrow, and gives back some of what is heard."""

import numpy as np

from standins.caller.ear import FRAME_BYTES, FRAME_MS, SAMPLE_RATE
from standins.caller.telephone import ECHO_DB, Echo, narrow

SECOND = np.arange(SAMPLE_RATE) / SAMPLE_RATE


def tone(hertz: float, level: float = 8000.0) -> bytes:
    return np.rint(level * np.sin(2 * np.pi * hertz * SECOND)).astype("<i2").tobytes()


def loudness(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)[800:-800]
    return float(np.sqrt(np.mean(samples**2)))


def test_a_voice_passes_and_what_is_above_it_does_not() -> None:
    assert loudness(narrow(tone(1000))) > 0.9 * loudness(tone(1000))
    assert loudness(narrow(tone(6000))) < 0.02 * loudness(tone(6000))


def test_the_length_of_speech_stays() -> None:
    assert len(narrow(tone(500))) == len(tone(500))


def test_soft_sounds_are_kept_as_well_as_loud_ones() -> None:
    """What companding is for: 8 bits without it would lose them."""
    assert loudness(narrow(tone(500, level=60))) > 0.7 * loudness(tone(500, level=60))


def test_what_is_heard_comes_back_later_and_softer() -> None:
    echo = Echo(delay_ms=3 * FRAME_MS)
    loud, silence = tone(500)[:FRAME_BYTES], bytes(FRAME_BYTES)
    assert echo.mixed_with(silence) == silence
    echo.hear(loud)
    sent = [echo.mixed_with(silence) for _ in range(5)]
    assert [any(frame) for frame in sent] == [False, False, False, True, False]
    heard = np.abs(np.frombuffer(loud, dtype="<i2")).max()
    given_back = np.abs(np.frombuffer(sent[3], dtype="<i2")).max()
    assert abs(20 * np.log10(given_back / heard) - ECHO_DB) < 0.5


def test_an_echo_is_added_to_what_is_said() -> None:
    echo = Echo(level_db=0.0, delay_ms=0.0)
    voice = tone(500, level=1000)[:FRAME_BYTES]
    echo.hear(voice)
    twice = np.frombuffer(echo.mixed_with(voice), dtype="<i2")
    assert np.array_equal(twice, 2 * np.frombuffer(voice, dtype="<i2"))


def test_an_ear_that_hears_more_than_is_said_holds_no_more_than_a_moment() -> None:
    echo = Echo()
    for _ in range(10_000):
        echo.hear(bytes(FRAME_BYTES))
    assert len(echo._waiting) * FRAME_MS <= 1000
