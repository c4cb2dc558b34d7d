"""No text leaves a frame: what is kept of it is safe to store and to show."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.recording import Recorder
from tests.contract.without_text import PROTOCOL_WORDS, without_text

SECRET = "zqxj"
TEXT_FIELDS = ["transcript", "utterance", "text", "content", "arguments", "audio", "error", "message", "id", "delta"]

texts = st.builds(lambda before, after: before + SECRET + after, st.text(max_size=12), st.text(max_size=12))
numbers = st.integers() | st.floats(allow_nan=False)
names = st.sampled_from([*TEXT_FIELDS, "words", "choices", "usage", "turn_order"]) | texts.map(lambda text: f"{text} ?")
frames = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=20,
)


@given(frames)
def test_no_text_of_any_field_survives(frame: Any) -> None:
    assert SECRET not in json.dumps(without_text(frame), ensure_ascii=False)


@given(st.sampled_from(sorted(PROTOCOL_WORDS)), texts)
def test_no_sentence_survives_where_a_word_of_the_protocol_belongs(name: str, text: str) -> None:
    assert f"{text} " not in json.dumps(without_text({name: f"{text} and more words"}), ensure_ascii=False)


@given(st.text(min_size=1), st.text())
def test_a_frame_that_says_something_else_looks_the_same(one: str, other: str) -> None:
    def turn(text: str) -> dict[str, Any]:
        return {"type": "Turn", "transcript": f"-{text}", "words": [{"text": f"-{text}", "start": len(text)}]}

    assert without_text(turn(one)) == without_text(turn(other))


def test_names_types_counts_and_words_of_the_protocol_stay() -> None:
    turn = {
        "type": "Turn",
        "turn_order": 3,
        "end_of_turn": True,
        "transcript": "Hello Anna.",
        "utterance": "",
        "speaker_label": None,
        "words": [{"text": "Hello", "start": 10, "word_is_final": True}, {"text": "Anna.", "start": 400.5}],
    }
    assert without_text(turn) == {
        "type": "Turn",
        "turn_order": 3,
        "end_of_turn": True,
        "transcript": "text",
        "utterance": "no text",
        "speaker_label": None,
        "words": {
            "count": 2,
            "each": [{"text": "text", "start": "number", "word_is_final": True}, {"text": "text", "start": "number"}],
        },
    }


@pytest.mark.parametrize("bytes_of_text", [list(b"secret"), [{"turn_order": 115}, {"turn_order": 101}]])
def test_numbers_that_could_spell_a_text_do_not_stay(bytes_of_text: list[Any]) -> None:
    form = json.dumps(without_text({"bytes": bytes_of_text}))
    assert "115" not in form
    assert "101" not in form


def test_a_recorder_keeps_no_text_of_what_it_is_given() -> None:
    recorder = Recorder("a probe")
    recorder.text('{"type": "Turn", "transcript": "zqxj"}')
    recorder.text("zqxj is no JSON")
    recorder.message({"error": {"message": "Incorrect key zqxj", "code": "invalid_api_key"}})
    recording = recorder.recording()
    assert SECRET not in json.dumps(recording.as_json())
    assert [frame.kind for frame in recording.frames] == ["Turn", "no JSON", "an error body"]
