"""The recogniser by itself: which of its two decoders is believed, and that nothing is carried over."""

import pytest

pytest.importorskip("pocketsphinx", reason="the extra `demo` is not installed")

from standins.assemblyai.obscene import mask
from standins.assemblyai.recogniser import Recogniser, choose, transcribe, transcribe_openly
from standins.assemblyai.words import Word
from standins.voices import Synthesizer
from tests.standins.assemblyai.sound import chunks, silence

WHOLE = {("where", "is", "my", "order")}


def heard(text: str, confidence: float) -> list[Word]:
    return [Word(word, 0, 100, confidence) for word in text.split()]


@pytest.mark.parametrize(
    ("wide", "narrow", "believed"),
    [
        (heard("wear his my border", 0.5), heard("where is my order", 0.75), "narrow"),  # a whole phrase
        (heard("we're at the border", 0.5), heard("where is my gift", 0.75), "wide"),  # no phrase, not sure
        (heard("wear is my gift", 0.5), heard("where is my gift", 0.9), "narrow"),  # no phrase, but sure
        (heard("wear this my gift", 0.97), heard("where is my gift", 0.9), "wide"),  # the open one is surer
        (heard("he said so", 0.4), heard("where is my order", 0.6), "wide"),  # a whole phrase by force
        (heard("know", 0.6), heard("no", 0.75), "wide"),  # too short to be evidence
    ],
)
def test_the_phrases_model_is_believed_only_with_evidence(wide: list[Word], narrow: list[Word], believed: str):
    assert choose(wide, narrow, WHOLE) is (wide if believed == "wide" else narrow)


@pytest.mark.parametrize(("word", "written"), [("shit", "s***"), ("assembly", "assembly"), ("ass", "a**")])
def test_obscene_words_are_masked(word: str, written: str):
    assert mask(word) == written


async def test_it_hears_the_same_whatever_came_before_and_however_the_audio_is_cut():
    voice = Synthesizer("espeak")
    first, second = [
        silence(300) + await voice.speak(text, "slt", 16_000)
        for text in ("Where is your nearest shop?", "The old fence was painted green.")
    ]
    fresh, used = Recogniser(), Recogniser()
    fresh.feed(second)
    expected = fresh.finish()
    used.feed(first)
    used.finish()
    for chunk in chunks(second, 10):
        used.feed(chunk)
    assert used.finish() == expected
    assert expected


async def test_a_recording_is_transcribed_with_and_without_the_phrases():
    pcm = silence(300) + await Synthesizer("espeak").speak("When will my package arrive?", "slt", 16_000)
    assert transcribe(pcm) == "when will my package arrive"
    assert transcribe_openly(pcm).startswith("when will my")


def test_without_audio_there_are_no_words():
    recogniser = Recogniser()
    assert recogniser.so_far() == recogniser.finish() == []
