"""Where speech begins and ends in what is heard."""

from collections.abc import Iterable

import numpy as np
import pytest

from standins.caller.ear import FRAME_BYTES, FRAME_MS, Ear, audible_frames

QUIET = bytes(FRAME_BYTES)
LOUD = (3000 * np.ones(FRAME_BYTES // 2)).astype("<i2").tobytes()
HISS = (20 * np.ones(FRAME_BYTES // 2)).astype("<i2").tobytes()


def frames(*runs: tuple[bytes, int]) -> Iterable[bytes]:
    """Frames for some milliseconds of each kind, in turn."""
    for frame, milliseconds in runs:
        yield from [frame] * (milliseconds // FRAME_MS)


def heard(*runs: tuple[bytes, int]) -> Ear:
    """An ear that heard them; each frame came 10 ms after the one before."""
    ear = Ear()
    for number, frame in enumerate(frames(*runs)):
        ear.hear(frame, number * FRAME_MS / 1000)
    return ear


def test_a_burst_begins_at_its_first_audible_frame_and_ends_at_its_last() -> None:
    (burst,) = heard((QUIET, 500), (LOUD, 300), (QUIET, 500)).bursts
    assert burst.started_at == pytest.approx(0.5)
    assert burst.ended_at == pytest.approx(0.79)
    assert not burst.is_open


def test_speech_that_goes_on_is_open() -> None:
    assert heard((QUIET, 100), (LOUD, 300), (QUIET, 190)).bursts[-1].is_open


@pytest.mark.parametrize("sound", [(LOUD, 20), (HISS, 1000), (QUIET, 1000)])
def test_a_click_a_hiss_and_silence_are_no_speech(sound: tuple[bytes, int]) -> None:
    assert heard((QUIET, 100), sound, (QUIET, 300)).bursts == []


def test_bursts_belong_together_until_a_pause_is_long_enough() -> None:
    ear = heard((LOUD, 300), (QUIET, 400), (LOUD, 300), (QUIET, 900), (LOUD, 300), (QUIET, 300))
    assert len(ear.bursts) == 3
    assert ear.speech_since(0.0, pause_s=0.8) == ear.bursts[:2]


def test_speech_that_began_before_the_moment_does_not_count() -> None:
    ear = heard((LOUD, 500), (QUIET, 900), (LOUD, 300), (QUIET, 300))
    assert ear.speech_since(0.1, pause_s=0.8) == ear.bursts[1:]


def test_the_audio_of_a_speech_is_cut_out_exactly() -> None:
    ear = heard((QUIET, 200), (LOUD, 300), (QUIET, 400), (LOUD, 100), (QUIET, 900))
    audio = ear.audio(ear.speech_since(0.0, pause_s=0.8))
    assert audio == b"".join(frames((LOUD, 300), (QUIET, 400), (LOUD, 100)))


def test_the_silence_around_a_synthesised_sentence_is_found() -> None:
    pcm = b"".join(frames((QUIET, 100), (LOUD, 200), (QUIET, 300)))
    assert audible_frames(pcm) == (10, 29)
    assert audible_frames(QUIET) == (0, 0)
