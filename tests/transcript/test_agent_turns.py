"""What the agent said: only what was played, and the rest apart."""

import pytest

from tests.transcript.journals import told
from worker.transcript.events import AgentHeard, AgentSaid, AgentSentence, Event, PartEnded, TurnLatency
from worker.transcript.model import Latency, Turn
from worker.transcript.wording import join, rest


def turns(*events: Event) -> tuple[Turn, ...]:
    return told(*[(ms * 100, event) for ms, event in enumerate(events, start=1)]).turns


def sentence(text: str, speech: str | None = "s1") -> AgentSentence:
    return AgentSentence(text=text, speech=speech)


def test_a_speech_that_was_played_is_one_turn() -> None:
    said = AgentSaid(text="Hello. How are you?", speech="s1", started_ms=150, ended_ms=2000)
    (only,) = turns(sentence("Hello."), sentence("How are you?"), AgentHeard(text="Hello.", speech="s1"), said)
    assert (only.role, only.participant, only.text) == ("agent", "verbatim", "Hello. How are you?")
    assert (only.started_ms, only.ended_ms, only.interrupted, only.unplayed_text) == (150, 2000, False, "")


def test_an_interrupted_speech_keeps_what_was_not_played_apart() -> None:
    said = AgentSaid(text="We have two", speech="s1", interrupted=True, unplayed_text="kinds of pizza.")
    (only,) = turns(sentence("We have two kinds of pizza."), said)
    assert (only.text, only.interrupted, only.unplayed_text) == ("We have two", True, "kinds of pizza.")


def test_what_was_not_played_is_derived_where_it_was_not_written() -> None:
    said = AgentSaid(text="We have two", speech="s1", interrupted=True)
    (only,) = turns(sentence("We have two kinds."), sentence("And drinks."), said)
    assert only.unplayed_text == "kinds. And drinks."


def test_pieces_of_words_are_joined_as_they_stand() -> None:
    first, *others = "We have un", "believ", "able", ", ", "truly", " good pizza."
    pieces = [AgentSentence(text=text, speech="s1", continues=True) for text in others]
    (only,) = turns(sentence(first), *pieces, AgentSaid(text="We have", speech="s1", interrupted=True))
    assert only.unplayed_text == "unbelievable, truly good pizza."


def test_a_crash_shows_what_was_heard_and_the_rest_as_unplayed() -> None:
    heard = AgentHeard(text="We have", speech="s1")
    (only,) = turns(sentence("We have two kinds."), sentence("And drinks."), heard)
    assert (only.text, only.interrupted) == ("We have", True)
    assert only.unplayed_text == "two kinds. And drinks."


def test_a_crash_after_all_was_heard_is_no_interruption() -> None:
    (only,) = turns(sentence("We have two."), AgentHeard(text="We have two.", speech="s1"))
    assert (only.text, only.interrupted, only.unplayed_text) == ("We have two.", False, "")


def test_a_crash_before_anything_was_heard_shows_all_as_unplayed() -> None:
    (only,) = turns(sentence("We have two."))
    assert (only.text, only.interrupted, only.unplayed_text) == ("", True, "We have two.")


def test_a_speech_with_several_steps_has_a_turn_for_each() -> None:
    found = turns(
        sentence("One moment."),
        AgentSaid(text="One moment.", speech="s1"),
        sentence("It is booked."),
        AgentSaid(text="It is booked.", speech="s1"),
    )
    assert [turn.text for turn in found] == ["One moment.", "It is booked."]


def test_speeches_without_an_id_follow_one_another() -> None:
    found = turns(AgentSaid(text="One."), sentence("Two.", None), AgentSaid(text="Two."))
    assert [turn.text for turn in found] == ["One.", "Two."]


def test_of_several_words_on_what_was_heard_the_newest_counts() -> None:
    heard = [AgentHeard(text=text, speech="s1") for text in ("We", "We have", "We have two", " ")]
    (only,) = turns(sentence("We have two kinds."), *heard)
    assert (only.text, only.unplayed_text) == ("We have two", "kinds.")


def test_what_was_heard_is_no_turn_again_once_the_speech_is_over() -> None:
    """The last word on what was heard may be written after the end of the speech."""
    late = AgentHeard(text="We have  two", speech="s1")
    found = turns(sentence("We have two."), AgentSaid(text="We have two.", speech="s1"), late)
    assert [turn.text for turn in found] == ["We have two."]


def test_the_next_step_of_a_speech_is_heard_for_itself() -> None:
    found = turns(
        sentence("One moment."),
        AgentSaid(text="One moment.", speech="s1"),
        sentence("It is booked."),
        AgentHeard(text="It is", speech="s1"),
    )
    assert [(turn.text, turn.unplayed_text) for turn in found] == [("One moment.", ""), ("It is", "booked.")]


def test_what_was_heard_is_a_turn_also_without_its_sentences() -> None:
    (only,) = turns(AgentHeard(text="Please hold.", speech="s1"))
    assert (only.text, only.interrupted) == ("Please hold.", False)


def test_a_speech_of_which_nothing_says_that_it_was_played_is_shown_as_unplayed_after_an_orderly_end() -> None:
    (only,) = turns(sentence("We have two."), PartEnded(reason="caller_left"))
    assert (only.text, only.interrupted, only.unplayed_text) == ("", True, "We have two.")


def test_a_speech_without_words_is_no_turn() -> None:
    assert turns(AgentSaid(text=" ", speech="s1")) == ()


def test_the_time_of_an_answer_is_with_its_turn() -> None:
    latency = TurnLatency(speech="s1", answer_ms=640, stages={"llm": 250, "tts": 120.5})
    (only,) = turns(AgentSaid(text="Yes.", speech="s1"), latency)
    assert only.latency == Latency(answer_ms=640, stages={"llm": 250, "tts": 120.5})


@pytest.mark.parametrize(
    ("whole", "heard", "expected"),
    [
        ("two large pizzas", "two", "large pizzas"),
        ("two  large\npizzas", "two large", "pizzas"),
        ("two large", "two large", ""),
        ("two large", "", "two large"),
        ("costs $5 and more", "costs five dollars", "more"),
        ("two", "two large pizzas", ""),
        ("你好世界", "你好", "世界"),
    ],
)
def test_the_rest_follows_what_was_heard(whole: str, heard: str, expected: str) -> None:
    assert rest(whole, heard) == expected


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["Hello.", "Yes."], "Hello. Yes."),
        (["Hello. ", "Yes."], "Hello. Yes."),
        (["你好。", "世界"], "你好。世界"),
        (["", "a", ""], "a"),
        ([], ""),
    ],
)
def test_pieces_are_joined_as_their_script_does(pieces: list[str], expected: str) -> None:
    assert join(pieces) == expected
