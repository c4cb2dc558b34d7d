"""What users said: segments, turns, and words that never became final."""

from typing import Any

from tests.transcript.journals import told
from worker.transcript.events import (
    Event,
    PartEnded,
    UserEarly,
    UserFinal,
    UserInterim,
    UserRevised,
    UserTurn,
    Word,
)
from worker.transcript.model import Turn


def final(text: str, turn_order: int | None = 0, **more: Any) -> UserFinal:
    return UserFinal(**{"participant": "caller", "stream": "S1"} | more, text=text, turn_order=turn_order)


def interim(text: str, turn_order: int | None = 0, **more: Any) -> UserInterim:
    return UserInterim(**{"participant": "caller", "stream": "S1"} | more, text=text, turn_order=turn_order)


def early(text: str, turn_order: int = 0) -> UserEarly:
    return UserEarly(participant="caller", stream="S1", text=text, turn_order=turn_order)


def turn(text: str = "", participant: str = "caller") -> UserTurn:
    return UserTurn(participant=participant, text=text)


def turns(*events: Event) -> tuple[Turn, ...]:
    numbered = [(ms * 100, event) for ms, event in enumerate(events, start=1)]
    return told(*numbered, (9000, PartEnded(reason="caller_left"))).turns


def texts(*events: Event) -> list[str]:
    return [each.text for each in turns(*events)]


def test_a_doubled_final_is_one_segment_and_the_formatted_one_counts() -> None:
    plain, formatted = final("two pizzas"), final("Two pizzas.", formatted=True)
    assert texts(plain, formatted, turn()) == ["Two pizzas."]
    assert texts(formatted, plain, turn()) == ["Two pizzas."]


def test_a_doubled_final_is_one_segment_also_when_the_turn_was_taken_between() -> None:
    assert texts(final("two pizzas"), turn("two pizzas"), final("Two pizzas.", formatted=True)) == ["Two pizzas."]


def test_the_later_of_two_plain_finals_counts() -> None:
    assert texts(final("too pizzas"), final("two pizzas"), turn()) == ["two pizzas"]


def test_the_same_words_said_twice_are_two_segments() -> None:
    assert texts(final("yes", 0), turn(), final("yes", 1), turn()) == ["yes", "yes"]
    assert texts(final("yes", None), turn(), final("yes", None), turn()) == ["yes", "yes"]


def test_one_turn_order_in_two_streams_is_two_segments() -> None:
    assert texts(final("yes"), turn(), final("no", stream="S2"), turn()) == ["yes", "no"]


def test_finals_up_to_the_next_user_turn_are_one_turn() -> None:
    assert texts(final("I would like", 0), final("two pizzas", 1), turn(), final("now", 2), turn()) == [
        "I would like two pizzas",
        "now",
    ]


def test_a_turn_of_one_participant_does_not_take_the_words_of_another() -> None:
    found = turns(final("hello", 0), final("hi", 0, participant="other"), turn(participant="caller"))
    assert [(each.participant, each.text) for each in found] == [("caller", "hello"), ("other", "hi")]


def test_finals_that_no_agent_took_are_a_turn_all_the_same() -> None:
    assert texts(final("is anyone there")) == ["is anyone there"]


def test_finals_that_no_agent_took_are_a_turn_each() -> None:
    """Without an agent that takes turns the whole call would be one otherwise."""
    assert texts(final("hello", 0), turn(), final("is anyone", 1), final("there", 2)) == ["hello", "is anyone", "there"]


def test_chinese_segments_are_joined_without_a_space() -> None:
    assert texts(final("你好", 0), final("世界", 1), turn()) == ["你好世界"]


def test_an_interim_without_a_final_is_an_unfinished_turn() -> None:
    found = turns(final("hello", 0), turn(), interim("I would", 1), interim("I would like to", 1))
    assert [(each.text, each.unfinished) for each in found] == [("hello", False), ("I would like to", True)]


def test_the_newest_of_early_and_interim_is_the_unfinished_text() -> None:
    assert texts(interim("book a"), early("book a table")) == ["book a table"]
    assert texts(early("book a table"), interim("book a table for two")) == ["book a table for two"]


def test_an_interim_without_words_does_not_take_words_away() -> None:
    assert texts(interim("book a"), interim("  ")) == ["book a"]


def test_an_early_sign_that_a_final_superseded_is_no_turn() -> None:
    assert texts(early("book a table"), final("Book a table for two."), turn()) == ["Book a table for two."]


def test_an_interim_that_comes_after_its_final_is_no_turn() -> None:
    assert texts(final("book a table"), interim("book a"), turn()) == ["book a table"]


def test_a_final_without_text_withdraws_the_interims() -> None:
    assert texts(interim("uh"), final("")) == []


def test_words_of_a_dropped_stream_stay_as_an_unfinished_turn() -> None:
    found = turns(interim("my number is", 4), final("five five five", 0, stream="S2"), turn())
    assert [(each.text, each.unfinished) for each in found] == [
        ("my number is", True),
        ("five five five", False),
    ]


def test_words_that_the_agent_took_before_they_were_final_are_a_turn() -> None:
    found = turns(interim("book a table"), turn("book a table"))
    assert [(each.text, each.unfinished) for each in found] == [("book a table", False)]
    assert texts(interim("book a"), turn("book a"), final("Book a table."), turn()) == ["Book a table."]


def test_a_user_turn_without_new_words_adds_nothing() -> None:
    assert texts(final("hello"), turn("hello"), turn("hello")) == ["hello"]


def test_a_typed_message_is_a_turn_of_its_own() -> None:
    typed = UserFinal(participant="caller", text="my mail is a@b.example", source="chat")
    found = turns(final("my address is", 0), typed, final("got it", 1), turn())
    assert [(each.text, each.source) for each in found] == [
        ("my address is got it", "speech"),
        ("my mail is a@b.example", "chat"),
    ]


def test_a_turn_is_split_where_the_speaker_changes_and_revisions_count() -> None:
    revised = UserRevised(participant="caller", stream="S1", turn_order=1, speaker="B")
    found = turns(final("hello", 0, speaker="A"), final("hi", 1, speaker="A"), turn(), revised)
    assert [(each.text, each.speaker) for each in found] == [("hello", "A"), ("hi", "B")]


def test_words_times_language_and_confidence_are_kept() -> None:
    words = (Word("two", 120, 300, 0.9), Word("pizzas", 310, 700, 0.8))
    (only,) = turns(final("two pizzas", words=words, language="en"), turn())
    assert only.words == words
    assert (only.started_ms, only.ended_ms, only.language, only.confidence) == (120, 700, "en", 0.85)


def test_times_that_the_recogniser_gave_count_before_those_of_the_words() -> None:
    (only,) = turns(final("two", words=(Word("two", 120, 300),), started_ms=100, ended_ms=320), turn())
    assert (only.started_ms, only.ended_ms) == (100, 320)


def test_without_any_times_a_turn_begins_with_its_first_sign() -> None:
    (only,) = turns(interim("two"), final("two pizzas"), turn())
    assert (only.started_ms, only.ended_ms) == (100, 200)
