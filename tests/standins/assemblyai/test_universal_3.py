"""The Universal-3 family's turns: ended by punctuation, held with partials. Pure, in stream time."""

from typing import Any

import pytest

from standins.assemblyai.parameters import Parameters
from standins.assemblyai.turns import Delays
from standins.assemblyai.universal_3 import Universal3
from standins.assemblyai.wording import GivenWording
from standins.assemblyai.words import SpeechBegan
from tests.standins.assemblyai.hearing import hear, pass_time, speak

DELAYS = Delays(utterance_ms=120, partial_ms=300, decision_ms=320)


def turns(delays: Delays = DELAYS, **parameters: Any) -> Universal3:
    given = {"min_turn_silence": 160, "max_turn_silence": 2400, **parameters}
    return Universal3(Parameters(speech_model="universal-3-5-pro", **given), delays, GivenWording())


def test_a_finished_sentence_ends_the_turn_at_once_without_an_earlier_sign():
    machine = turns()
    speak(machine, "What are your hours?")
    ((at_ms, final),) = pass_time(machine, 2100, 6000)
    assert at_ms == 2320
    assert final["transcript"] == final["utterance"] == "What are your hours?"
    assert (final["end_of_turn"], final["turn_is_formatted"], final["end_of_turn_confidence"]) == (True, True, 1.0)
    assert all(word["word_is_final"] for word in final["words"])


def test_an_unfinished_sentence_is_held_with_a_rising_confidence_up_to_the_longest_silence():
    machine = turns()
    speak(machine, "I would like")
    said = pass_time(machine, 2100, 6000)
    assert [(at_ms, turn["end_of_turn_confidence"], turn["end_of_turn"]) for at_ms, turn in said] == [
        (2300, 0.0, False),
        (3000, 0.4, False),
        (3700, 0.75, False),
        (4400, 1.0, True),
    ]
    assert all(turn["transcript"] == "I would like" for _, turn in said)
    assert {turn["utterance"] for _, turn in said[:-1]} == {""}
    assert not any(word["word_is_final"] for _, turn in said[:-1] for word in turn["words"])


def test_without_a_ramp_there_is_one_partial_in_the_silence():
    machine = turns(Delays(120, 300, 320, ramp=()))
    speak(machine, "I would like")
    said = pass_time(machine, 2100, 6000)
    assert [(at_ms, turn["end_of_turn_confidence"]) for at_ms, turn in said] == [(2300, 0.0), (4400, 1.0)]


def test_a_caller_who_goes_on_ends_the_holding_and_the_final_has_the_whole_turn():
    machine = turns()
    speak(machine, "I would like")
    assert len(pass_time(machine, 2100, 2900)) == 1
    speak(machine, "to book.", at_ms=2900, last_voice_ms=3600)
    ((at_ms, final),) = pass_time(machine, 3700, 8000)
    assert at_ms == 3920
    assert final["transcript"] == "I would like to book."


@pytest.mark.parametrize(
    ("text", "parameters", "silence_ms"),
    [
        ("Fine.", {"min_turn_silence": 800}, 800),
        ("Fine", {"max_turn_silence": 100}, 320),
        ("Fine", {"min_turn_silence": None, "max_turn_silence": None}, 1536),
        ("Fine", {"max_turn_silence": None, "speaker_labels": True}, 768),
    ],
)
def test_a_turn_ends_at_the_later_of_its_decision_and_the_clients_silence(
    text: str, parameters: dict[str, Any], silence_ms: int
):
    machine = turns(**parameters)
    speak(machine, text)
    end_ms = [at_ms for at_ms, message in pass_time(machine, 2100, 6000) if message["end_of_turn"]]
    assert end_ms == [2000 + silence_ms]


def test_the_final_may_refine_what_the_partials_showed():
    machine = turns()
    speak(machine, "My number is 55.", draft="My number is five five")
    said = pass_time(machine, 2100, 6000)
    assert [turn["transcript"] for _, turn in said] == ["My number is five five"] * 3 + ["My number is 55."]


@pytest.mark.parametrize(("delay_ms", "first_ms"), [(0, 1256), (500, 1756)])
def test_the_first_partial_waits_for_the_interruption_delay_and_more_follow(delay_ms: int, first_ms: int):
    machine = turns(interruption_delay=delay_ms)
    machine.observe(SpeechBegan(1060, 1000))
    hear(machine, 1100, "I")
    said = pass_time(machine, 1100, first_ms + 1500)
    assert [at_ms for at_ms, _ in said] == [first_ms, first_ms + 1000]
    assert {(turn["end_of_turn_confidence"], turn["utterance"]) for _, turn in said} == {(0.0, "")}


def test_continuous_partials_can_be_switched_off():
    machine = turns(interruption_delay=0, continuous_partials=False)
    machine.observe(SpeechBegan(1060, 1000))
    hear(machine, 1100, "I")
    assert len(pass_time(machine, 1100, 6000)) == 1


def test_all_partials_can_be_switched_off():
    machine = turns(include_partial_turns=False)
    speak(machine, "I would like")
    assert [turn["end_of_turn"] for _, turn in pass_time(machine, 2100, 6000)] == [True]


def test_a_forced_endpoint_ends_a_held_turn():
    machine = turns()
    speak(machine, "I would like")
    assert [final["transcript"] for final in machine.force()] == ["I would like"]
    assert machine.force() == []
