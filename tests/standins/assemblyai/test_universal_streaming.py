"""Universal-Streaming's turns: ended by confidence, told of early by `utterance`. Pure, in stream time."""

from typing import Any

import pytest

from standins.assemblyai.parameters import Parameters
from standins.assemblyai.turns import Delays
from standins.assemblyai.universal_streaming import UniversalStreaming
from standins.assemblyai.wording import GivenWording
from standins.assemblyai.words import SpeechBegan, SpeechPaused, WordsHeard
from tests.standins.assemblyai.hearing import hear, pass_time, speak, words

DELAYS = Delays(utterance_ms=120, partial_ms=300, decision_ms=320)


def turns(**parameters: Any) -> UniversalStreaming:
    given = {"min_turn_silence": 160, "max_turn_silence": 2400, **parameters}
    return UniversalStreaming(Parameters(speech_model="universal-streaming-english", **given), DELAYS, GivenWording())


def test_a_turn_begins_with_its_onset_and_shows_words_that_may_still_change():
    machine = turns()
    assert machine.observe(SpeechBegan(1060, 1000)) == [{"type": "SpeechStarted", "timestamp": 1000, "confidence": 0.9}]
    (partial,) = hear(machine, 1400, "Hi my")
    assert partial == {
        "type": "Turn",
        "turn_order": 0,
        "turn_is_formatted": False,
        "end_of_turn": False,
        "transcript": "",
        "utterance": "",
        "end_of_turn_confidence": 0.01,
        "words": [
            {"text": "hi", "start": 1000, "end": 1200, "confidence": 0.9, "word_is_final": False},
            {"text": "my", "start": 1200, "end": 1400, "confidence": 0.9, "word_is_final": False},
        ],
    }


def test_the_transcript_holds_only_words_that_are_final():
    machine = turns()
    machine.observe(SpeechBegan(1060, 1000))
    (partial,) = machine.observe(WordsHeard(1500, (*words("hi my"), *words("name", settled=False))))
    assert partial["transcript"] == "hi my"
    assert [word["word_is_final"] for word in partial["words"]] == [True, True, False]


def test_the_utterance_comes_before_the_end_of_the_turn_and_the_final_carries_it_too():
    machine = turns()
    speak(machine, "What are your hours?")
    (early_ms, early), (final_ms, final) = pass_time(machine, 2100, 5000)
    assert (early_ms, final_ms) == (2120, 2320)
    assert not early["end_of_turn"]
    assert early["utterance"] == early["transcript"] == "what are your hours"
    assert (final["utterance"], final["end_of_turn"]) == ("what are your hours", True)
    assert all(word["word_is_final"] for word in final["words"])


def test_an_utterance_that_coincides_with_the_end_comes_only_with_it():
    machine = UniversalStreaming(
        Parameters(speech_model="universal-streaming-english", min_turn_silence=100),
        Delays(utterance_ms=120, decision_ms=120),
        GivenWording(),
    )
    speak(machine, "Yes.")
    ((_, only),) = pass_time(machine, 2100, 5000)
    assert only["end_of_turn"]
    assert only["utterance"] == "yes"


@pytest.mark.parametrize(
    ("text", "parameters", "silence_ms"),
    [
        ("Fine.", {"min_turn_silence": 160}, 320),  # the decision is later than the client's bound
        ("Fine.", {"min_turn_silence": 800}, 800),  # the client's bound is later
        ("I would like", {"max_turn_silence": 2400}, 2400),
        ("I would like", {"max_turn_silence": 200}, 320),
        ("Fine.", {"end_of_turn_confidence_threshold": 1.0, "max_turn_silence": 1280}, 1280),
        ("I would like", {"end_of_turn_confidence_threshold": 0.0}, 320),
    ],
)
def test_a_turn_ends_at_the_later_of_its_decision_and_the_clients_silence(
    text: str, parameters: dict[str, Any], silence_ms: int
):
    machine = turns(**parameters)
    speak(machine, text)
    end_ms = [at_ms for at_ms, message in pass_time(machine, 2100, 6000) if message["end_of_turn"]]
    assert end_ms == [2000 + silence_ms]


def test_with_formatting_the_final_comes_twice_as_spoken_and_then_formatted():
    machine = turns(format_turns=True)
    speak(machine, "Hi, my name is Sonny.")
    finals = [message for _, message in pass_time(machine, 2100, 5000) if message["end_of_turn"]]
    assert [
        (final["turn_is_formatted"], final["turn_order"], final["transcript"], final["words"][-1]["text"])
        for final in finals
    ] == [
        (False, 0, "hi my name is sonny", "sonny"),
        (True, 0, "Hi, my name is Sonny.", "Sonny."),
    ]


def test_without_formatting_there_is_one_final():
    machine = turns()
    speak(machine, "Hi, my name is Sonny.")
    finals = [message for _, message in pass_time(machine, 2100, 5000) if message["end_of_turn"]]
    assert [final["transcript"] for final in finals] == ["hi my name is sonny"]


def test_a_caller_who_goes_on_stays_in_the_turn_and_each_utterance_is_its_own_chunk():
    machine = turns()
    speak(machine, "I would like")
    (_, first) = pass_time(machine, 2100, 2600)[0]
    assert speak(machine, "to book a table.", at_ms=2600, last_voice_ms=3400) == []
    (_, second), (_, final) = pass_time(machine, 3500, 6000)
    assert (first["utterance"], second["utterance"]) == ("i would like", "to book a table")
    assert final["transcript"] == "i would like to book a table"


def test_noise_without_words_is_no_turn():
    machine = turns()
    machine.observe(SpeechBegan(1060, 1000))
    machine.observe(SpeechPaused(2100, 2000, ()))
    assert pass_time(machine, 2100, 6000) == []
    assert machine.observe(SpeechBegan(7060, 7000))[0]["type"] == "SpeechStarted"


def test_the_order_rises_with_each_turn():
    machine = turns()
    for number in range(3):
        speak(machine, "Yes.", at_ms=1000 + 5000 * number, last_voice_ms=2000 + 5000 * number)
        said = pass_time(machine, 2100 + 5000 * number, 5000 + 5000 * number)
        assert {message["turn_order"] for _, message in said} == {number}


def test_a_forced_endpoint_ends_a_turn_that_has_words_and_nothing_else():
    machine = turns()
    assert machine.force() == []
    speak(machine, "I would like")
    assert [final["transcript"] for final in machine.force()] == ["i would like"]
    assert machine.force() == []


def test_silences_that_change_in_a_turn_count_at_once():
    machine = turns()
    speak(machine, "Seven four two.")
    machine.configure(Parameters(speech_model="universal-streaming-english", min_turn_silence=1000))
    end_ms = [at_ms for at_ms, message in pass_time(machine, 2100, 6000) if message["end_of_turn"]]
    assert end_ms == [3000]
