"""What a client may ask for, in the query and in `UpdateConfiguration`."""

import json

import pytest

from standins.assemblyai.parameters import ParameterError, read_query, read_update


def test_a_query_as_the_livekit_plugin_writes_it_is_understood():
    parameters = read_query(
        {
            "sample_rate": "16000",
            "encoding": "pcm_s16le",
            "speech_model": "universal-3-6-pro",
            "min_turn_silence": "100",
            "max_turn_silence": "1000",
            "language_detection": "true",
            "keyterms_prompt": json.dumps(["Verbatim"]),
            "something_new": "1",
        }
    )
    assert (parameters.family, parameters.silences()) == ("universal-3", (100, 1000))
    assert parameters.keyterms_prompt == ["Verbatim"]


def test_booleans_may_be_written_as_the_official_sdk_writes_them():
    assert read_query({"speech_model": "universal-streaming-english", "format_turns": "True"}).format_turns


@pytest.mark.parametrize(
    ("query", "silences"),
    [
        ({"speech_model": "universal-streaming-english"}, (400, 1280)),
        ({"speech_model": "universal-3-5-pro"}, (128, 1536)),
        ({"speech_model": "u3-rt-pro", "speaker_labels": "true"}, (640, 768)),
        ({"speech_model": "u3-pro", "min_end_of_turn_silence_when_confident": "200"}, (200, 1536)),
    ],
)
def test_silences_that_are_not_given_are_the_models(query: dict[str, str], silences: tuple[int, int]):
    assert read_query(query).silences() == silences


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"speech_model": "slam-1"}, "speech_model"),
        ({"sample_rate": "100"}, "sample_rate"),
        ({"encoding": "mp3"}, "encoding"),
        ({"min_turn_silence": "-1"}, "min_turn_silence"),
        ({"end_of_turn_confidence_threshold": "7"}, "end_of_turn_confidence_threshold"),
        ({"keyterms_prompt": json.dumps(["x"] * 101)}, "keyterms_prompt"),
        ({"keyterms_prompt": json.dumps(["x" * 51])}, "keyterms_prompt"),
        ({"keyterms_prompt": "no list"}, "keyterms_prompt"),
        ({"agent_context": "x" * 1751}, "agent_context"),
    ],
)
def test_a_value_that_the_service_refuses_is_named(query: dict[str, str], named: str):
    with pytest.raises(ParameterError, match=named):
        read_query(query)


def test_an_update_changes_only_what_it_names():
    before = read_query({"min_turn_silence": "100", "max_turn_silence": "1000"})
    after = before.changed(read_update({"type": "UpdateConfiguration", "min_turn_silence": 900}))
    assert after.silences() == (900, 1000)


def test_an_update_with_a_wrong_value_is_refused():
    with pytest.raises(ParameterError, match="min_turn_silence"):
        read_update({"type": "UpdateConfiguration", "min_turn_silence": "soon"})
