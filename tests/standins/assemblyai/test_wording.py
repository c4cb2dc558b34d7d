"""How recognised words are written."""

import pytest

from standins.assemblyai.wording import GivenWording, RuleWording, is_complete

RULES = RuleWording(["Do you ship to Germany?", "My name is Anna."])


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("when will it arrive", "When will it arrive?"),
        ("hi there can you help me", "Hi there can you help me?"),
        ("no thank you", "No thank you."),
        ("my name is anna", "My name is Anna."),
        ("i think i'm in germany", "I think I'm in Germany."),
        ("i would like to", "I would like to"),
        ("it is for my", "It is for my"),
        ("", ""),
    ],
)
def test_sentences_get_capitals_and_an_end_unless_the_speaker_has_not_finished(spoken: str, written: str):
    assert " ".join(RULES.formatted(spoken.split())) == written


def test_given_words_lose_capitals_and_punctuation_as_spoken():
    assert GivenWording().plain(["¿Qué,", "Sonny?", "it's", "-"]) == ["qué", "sonny", "it's", "-"]


@pytest.mark.parametrize("text", ["Fine.", "こんにちは。", "كيف حالك؟", 'He said "yes."'])
def test_a_sentence_end_of_any_script_counts(text: str):
    assert is_complete(text.split())


@pytest.mark.parametrize("text", ["", "I would like", "I would like…", "well,"])
def test_without_a_sentence_end_a_text_is_not_complete(text: str):
    assert not is_complete(text.split())
