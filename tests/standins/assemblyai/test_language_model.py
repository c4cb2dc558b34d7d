"""The trigram model of the demo's phrases."""

import math
from pathlib import Path

import pytest

from standins.assemblyai.language_model import (
    cut_dictionary,
    read_phrases,
    sentences,
    spoken,
    trigram_model,
)


def grams(model: str, order: int) -> dict[tuple[str, ...], float]:
    """The n-grams of an ARPA file with their probabilities."""
    section = model.split(f"\\{order}-grams:\n")[1].split("\n\n")[0]
    rows = (line.split() for line in section.splitlines())
    return {tuple(row[1 : order + 1]): 10 ** float(row[0]) for row in rows}


def test_the_probabilities_of_the_words_sum_to_one():
    model = trigram_model(sentences(read_phrases()))
    assert math.isclose(sum(grams(model, 1).values()), 1.0, abs_tol=0.01)


def test_a_word_that_followed_before_is_likelier_than_any_other():
    bigrams = grams(trigram_model([["open", "the", "door"], ["open", "the", "box"]]), 2)
    assert bigrams["open", "the"] > 0.9
    assert 0.4 < bigrams["the", "door"] < 0.5


def test_clauses_count_as_sentences_of_their_own():
    assert sentences(["Yes, please."]) == [["yes", "please"], ["yes"], ["please"]]


def test_words_are_written_as_a_recogniser_writes_them():
    assert spoken("It's 'Anna', isn't it?") == ["it's", "anna", "isn't", "it"]


def test_a_word_without_pronunciation_is_named(tmp_path: Path):
    full = tmp_path / "full.dict"
    full.write_text("the DH AH\nthe(2) DH IY\ncat K AE T\n")
    assert cut_dictionary({"the"}, full) == "the DH AH\nthe(2) DH IY\n"
    with pytest.raises(ValueError, match="verbatimly"):
        cut_dictionary({"the", "verbatimly"}, full)


def test_the_phrase_file_has_enough_sentences_of_which_none_comes_twice():
    phrases = read_phrases()
    assert len(phrases) >= 45
    assert len(set(phrases)) == len(phrases)
