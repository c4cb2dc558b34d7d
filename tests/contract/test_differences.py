"""Each thing in which a service and its stand-in differ is told in one sentence."""

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.differences import differences, steps
from tests.contract.recording import Recorder, Recording

TURN: dict[str, Any] = {
    "type": "Turn",
    "end_of_turn": False,
    "transcript": "hi",
    "utterance": "",
    "words": [{"text": "hi", "start": 10}],
}


def heard(*messages: dict[str, Any]) -> Recording:
    recorder = Recorder("a probe")
    for message in messages:
        recorder.message(message)
    return recorder.recording()


def told(vendor: Recording, standin: Recording) -> list[str]:
    return differences(vendor, standin, "AssemblyAI")


def test_the_same_form_is_no_difference_whatever_is_said_and_however_long_it_takes() -> None:
    other = TURN | {"transcript": "bye", "words": [{"text": "bye", "start": 99.5}, {"text": "now", "start": 120}]}
    assert told(heard(TURN), heard(other)) == []


@pytest.mark.parametrize(
    ("vendor", "standin", "sentence"),
    [
        (
            TURN | {"language_confidence": 0.9},
            TURN,
            "AssemblyAI sends `language_confidence` (number) in Turn, the stand-in does not.",
        ),
        (
            TURN,
            TURN | {"words": [{"text": "hi", "start": 10, "speaker": "A"}]},
            "The stand-in sends `words[].speaker` (text) in Turn, AssemblyAI does not.",
        ),
        (
            TURN | {"utterance": None},
            TURN,
            "AssemblyAI sends `utterance` in Turn as null, the stand-in as text.",
        ),
        (
            {"object": "chunk", "finish_reason": "length"},
            {"object": "chunk", "finish_reason": "stop"},
            'AssemblyAI sends `finish_reason` in chunk as "length", the stand-in as "stop".',
        ),
        (
            {"usage": None},
            {"usage": {"total_tokens": 3}},
            "AssemblyAI sends `usage` in a body as null, the stand-in as an object.",
        ),
    ],
)
def test_a_field_that_differs_is_named(vendor: dict[str, Any], standin: dict[str, Any], sentence: str) -> None:
    assert told(heard(vendor), heard(standin)) == [sentence]


def test_an_empty_list_is_no_difference_for_nobody_knows_its_entries() -> None:
    assert told(heard(TURN | {"words": []}), heard(TURN)) == []


def test_a_message_that_only_one_sends_is_named_and_so_is_the_order() -> None:
    heartbeat = {"type": "Heartbeat"}
    assert told(heard(TURN, heartbeat), heard(TURN)) == [
        "AssemblyAI sends Heartbeat, the stand-in does not.",
        "AssemblyAI sends partials, then Heartbeat; the stand-in sends partials.",
    ]
    assert told(heard(TURN), heard(TURN, heartbeat))[0] == "The stand-in sends Heartbeat, AssemblyAI does not."


def test_the_order_tells_the_early_sign_and_the_finals_apart() -> None:
    final = TURN | {"end_of_turn": True}
    turns = (TURN, TURN, TURN | {"utterance": "hi"}, final, final | {"turn_is_formatted": True})
    assert steps(heard(*turns).frames) == ["partials", "a partial with an utterance", "a final", "a formatted final"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": 401}, "AssemblyAI answers with HTTP status 401, the stand-in with no HTTP status."),
        ({"close_code": 1008}, "AssemblyAI answers with close code 1008, the stand-in with no close code."),
        (
            {"content_type": "audio/L16"},
            "AssemblyAI answers with content type audio/L16, the stand-in with no content type.",
        ),
        ({"in_time": False}, "AssemblyAI did not come to the end of the exchange in time, the stand-in did."),
        ({"facts": {"sample_rate": 48_000}}, "`sample_rate` is 48000 at AssemblyAI and None at the stand-in."),
    ],
)
def test_another_end_is_a_difference(change: dict[str, Any], sentence: str) -> None:
    recording = heard(TURN)
    assert told(replace(recording, **change), recording) == [sentence]


def test_how_much_audio_there_was_is_no_difference() -> None:
    recording = heard(TURN)
    assert told(replace(recording, facts={"audio_bytes": 9, "audio_ms": 3}), recording) == []
