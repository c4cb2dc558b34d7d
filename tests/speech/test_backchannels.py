"""Words of assent are told apart from words that say something."""

import pytest

from config.sections.turns import BACKCHANNELS
from worker.speech.backchannels import Backchannels

KNOWN = Backchannels((*BACKCHANNELS, "all right", "はい"))


@pytest.mark.parametrize("text", ["Mhm.", "mhm", "Mm-hmm.", "Uh-huh, mhm.", "All right!", "Hmm… all right", "はい。"])
def test_a_turn_of_assent_alone_is_one(text: str) -> None:
    assert KNOWN.only(text)


@pytest.mark.parametrize("text", ["", "...", "Mhm, but wait.", "All", "right all", "Human", "Yes."])
def test_whatever_says_more_is_none(text: str) -> None:
    assert not KNOWN.only(text)


def test_without_phrases_nothing_is_one() -> None:
    assert not Backchannels(()).only("mhm")
