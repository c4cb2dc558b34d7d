"""AssemblyAI's `Turn` messages become journal events; what cannot be read becomes none."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.memory_recorder import MemoryRecorder
from tests.speech.virtual_clock import VirtualClock
from tests.transcript.journals import told
from worker.speech import paced
from worker.speech.assemblyai.turn_frames import TurnJournal
from worker.transcript.events import Event, UserEarly, UserFinal, UserInterim

BEGAN = 1_000.0
"""When the part began, in Unix seconds; the stream began two seconds later."""


class Appended:
    """Keeps events; it has no event loop to answer on."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.participant = "caller"
        self.speech = None

    def append(self, event: Event) -> Any:
        self.events.append(event)

    async def settled(self) -> None: ...

    ms_at = MemoryRecorder.ms_at
    _began = BEGAN


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    clock = VirtualClock()
    monkeypatch.setattr(paced, "asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    return clock


@pytest.fixture
def recorder() -> Appended:
    return Appended()


@pytest.fixture
def journal(recorder: Appended, clock: VirtualClock) -> TurnJournal:
    journal = TurnJournal(recorder)
    journal.begin("session-1", start_time=BEGAN + 2)
    return journal


def word(text: str, start: int, *, final: bool = True) -> dict[str, Any]:
    return {"text": text, "start": start, "end": start + 80, "confidence": 0.9, "word_is_final": final}


def turn(*words: dict[str, Any], **fields: Any) -> dict[str, Any]:
    transcript = " ".join(each["text"] for each in words if each["word_is_final"])
    return {
        "type": "Turn",
        "turn_order": 0,
        "turn_is_formatted": False,
        "end_of_turn": False,
        "transcript": transcript,
        "end_of_turn_confidence": 0.1,
        "words": list(words),
    } | fields


def texts(events: list[Event], kind: type) -> list[str]:
    return [event.text for event in events if isinstance(event, kind)]  # type: ignore[attr-defined]


def test_a_turn_of_seven_messages_leaves_its_finals_and_the_words_on_the_way(
    journal: TurnJournal, recorder: Appended, clock: VirtualClock
) -> None:
    """Words become final one after the other, the turn ends, and its end comes again, formatted."""
    hello, my, name, is_, ada = (
        word("hello", 1000), word("my", 1400), word("name", 1600), word("is", 1700), word("ada", 2300),
    )  # fmt: skip
    messages = [
        turn(word("hello", 1000, final=False)),
        turn(hello, my, word("name", 1600, final=False)),
        turn(hello, my, name, word("is", 1700, final=False)),
        turn(hello, my, name, is_, word("eight", 2300, final=False)),
        turn(hello, my, name, is_, word("ada", 2300, final=False)),
        turn(hello, my, name, is_, ada, end_of_turn=True),
        turn(hello, my, name, is_, ada, end_of_turn=True, turn_is_formatted=True, transcript="Hello, my name is Ada."),
    ]
    for message in messages:
        assert journal.take(message)
        clock.advance(0.4)

    assert texts(recorder.events, UserInterim) == [
        "hello",
        "hello my name is",
        "hello my name is ada",
    ]
    finals = [event for event in recorder.events if isinstance(event, UserFinal)]
    assert [(final.text, final.formatted) for final in finals] == [
        ("hello my name is ada", False),
        ("Hello, my name is Ada.", True),
    ]
    assert {(final.participant, final.stream, final.turn_order) for final in finals} == {("caller", "session-1", 0)}


def test_a_word_s_time_is_counted_from_the_part_s_beginning(journal: TurnJournal, recorder: Appended) -> None:
    journal.take(turn(word("hello", 1000), word("ada", 1500), end_of_turn=True, end_of_turn_confidence=1.0))

    (final,) = recorder.events
    assert isinstance(final, UserFinal)
    assert [(each.text, each.start_ms, each.end_ms) for each in final.words] == [
        ("hello", 3000, 3080),
        ("ada", 3500, 3580),
    ]
    assert (final.started_ms, final.ended_ms, final.confidence) == (3000, 3580, pytest.approx(0.9))


def test_speaker_and_language_are_kept_and_an_unknown_speaker_is_none(journal: TurnJournal, recorder: Appended) -> None:
    journal.take(turn(word("one", 0), end_of_turn=True, speaker_label="A", language_code="es"))
    journal.take(turn(word("two", 0), end_of_turn=True, speaker_label="UNKNOWN"))

    first, second = recorder.events
    assert isinstance(first, UserFinal) and isinstance(second, UserFinal)
    assert (first.speaker, first.language) == ("A", "es")
    assert second.speaker is None


def test_at_most_one_interim_a_second_is_written(journal: TurnJournal, recorder: Appended, clock: VirtualClock) -> None:
    for index in range(30):
        journal.take(turn(word(f"word{index}", 0)))
        clock.advance(0.1)
    assert texts(recorder.events, UserInterim) == ["word0", "word9", "word19", "word29"]


def test_the_newest_words_wait_for_the_end_of_the_second_and_not_for_the_next_message(
    journal: TurnJournal, recorder: Appended, clock: VirtualClock
) -> None:
    journal.take(turn(word("two", 0)))
    journal.take(turn(word("two", 0), word("large", 80)))
    clock.advance(0.5)
    journal.take(turn(word("two", 0), word("large", 80), word("pizzas", 90)))
    assert texts(recorder.events, UserInterim) == ["two"]
    clock.advance(0.5)
    assert texts(recorder.events, UserInterim) == ["two", "two large pizzas"]
    clock.advance(5)
    assert len(recorder.events) == 2


@pytest.mark.parametrize("end", [{"end_of_turn": True}, {"utterance": "two large"}])
def test_words_that_wait_for_the_end_of_the_second_do_not_follow_newer_ones(
    journal: TurnJournal, recorder: Appended, clock: VirtualClock, end: dict[str, Any]
) -> None:
    journal.take(turn(word("two", 0)))
    journal.take(turn(word("two", 0), word("large", 80, final=False)))
    journal.take(turn(word("two", 0), word("large", 80)) | end)
    clock.advance(5)
    assert texts(recorder.events, UserInterim) == ["two"]


def test_words_that_wait_are_written_once_when_the_stream_ends(
    journal: TurnJournal, recorder: Appended, clock: VirtualClock
) -> None:
    journal.take(turn(word("two", 0)))
    journal.take(turn(word("two", 0), word("large", 80)))
    journal.end()
    clock.advance(5)
    assert texts(recorder.events, UserInterim) == ["two", "two large"]


def test_the_newest_words_are_written_when_the_stream_ends(
    journal: TurnJournal, recorder: Appended, clock: VirtualClock
) -> None:
    for text in ("two", "two large", "two large pizzas"):
        journal.take(turn(word(text, 0)))
    journal.end()
    assert texts(recorder.events, UserInterim) == ["two", "two large pizzas"]
    journal.end()
    assert len(recorder.events) == 2


def test_words_that_a_final_confirmed_are_not_written_again(journal: TurnJournal, recorder: Appended) -> None:
    journal.take(turn(word("two", 0)))
    journal.take(turn(word("two", 0), word("large", 80)))
    journal.take(turn(word("two", 0), word("large", 80), end_of_turn=True))
    journal.end()
    assert texts(recorder.events, UserInterim) == ["two"]


def test_an_early_utterance_is_written_with_all_words_of_its_turn(journal: TurnJournal, recorder: Appended) -> None:
    journal.take(turn(word("two", 0), word("large", 80), utterance="large", turn_order=3))
    (early,) = recorder.events
    assert early == UserEarly(participant="caller", stream="session-1", turn_order=3, text="two large")


def test_an_utterance_at_the_end_of_its_turn_is_no_early_sign(journal: TurnJournal, recorder: Appended) -> None:
    journal.take(turn(word("two", 0), end_of_turn=True, utterance="two"))
    assert [type(event) for event in recorder.events] == [UserFinal]


def test_older_words_never_follow_an_early_utterance(journal: TurnJournal, recorder: Appended) -> None:
    journal.take(turn(word("two", 0)))
    journal.take(turn(word("two", 0), word("large", 80)))
    journal.take(turn(word("two", 0), word("large", 80), word("pizzas", 90), utterance="two large pizzas"))
    journal.end()
    assert [event.text for event in recorder.events] == ["two", "two large pizzas"]  # type: ignore[union-attr]


def test_words_are_pending_from_the_first_one_to_the_end_of_the_turn(journal: TurnJournal) -> None:
    assert not journal.pending
    journal.take(turn(word("two", 0)))
    assert journal.pending
    journal.take(turn(word("two", 0), utterance="two"))
    assert journal.pending
    journal.take(turn(word("two", 0), end_of_turn=True))
    assert not journal.pending


def test_a_final_without_words_keeps_its_transcript(journal: TurnJournal, recorder: Appended) -> None:
    journal.take({"type": "Turn", "end_of_turn": True, "transcript": "Two large pizzas."})
    (final,) = recorder.events
    assert isinstance(final, UserFinal)
    assert (final.text, final.words, final.started_ms, final.confidence) == ("Two large pizzas.", (), None, None)


def test_an_end_without_words_leaves_nothing(journal: TurnJournal, recorder: Appended) -> None:
    journal.take(turn(end_of_turn=True))
    journal.take(turn())
    journal.end()
    assert recorder.events == []


@pytest.mark.parametrize("sign", [{}, {"utterance": "two"}])
def test_a_turn_that_turns_out_to_be_nothing_withdraws_its_words(
    journal: TurnJournal, recorder: Appended, clock: VirtualClock, sign: dict[str, Any]
) -> None:
    journal.take(turn(word("two", 0)) | sign)
    journal.take(turn(end_of_turn=True))
    journal.take(turn(end_of_turn=True, turn_is_formatted=True))
    assert [(type(event), event.text) for event in recorder.events[1:]] == [(UserFinal, "")]  # type: ignore[union-attr]
    assert not told(*enumerate(recorder.events, start=1)).turns


def test_the_next_turn_withdraws_nothing(journal: TurnJournal, recorder: Appended, clock: VirtualClock) -> None:
    journal.take(turn(word("two", 0)))
    journal.take(turn(word("two", 0), end_of_turn=True))
    journal.take(turn(end_of_turn=True, turn_order=1))
    assert [type(event) for event in recorder.events] == [UserInterim, UserFinal]


HOSTILE = {
    "words is null": {"words": None},
    "words is a text": {"words": "two large pizzas"},
    "a word is a text": {"words": ["two"]},
    "a word's text is null": {"words": [{"text": None, "start": 0, "end": 1}]},
    "a word's time is a text": {"words": [{"text": "two", "start": "0", "end": 1}]},
    "a word's time is no number": {"words": [{"text": "two", "start": float("nan"), "end": float("inf")}]},
    "transcript is a number": {"transcript": 7},
    "transcript is null": {"transcript": None},
    "end_of_turn is a text": {"end_of_turn": "no"},
    "turn_order is a list": {"turn_order": []},
    "confidence is a text": {"end_of_turn_confidence": "high"},
}


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_message_that_cannot_be_read_is_refused_and_named_without_its_text(
    journal: TurnJournal, recorder: Appended, caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    message = turn(word("secret-pizza", 0), end_of_turn=True, transcript="secret-pizza") | fields
    assert not journal.take(message)
    assert recorder.events == []
    assert next(iter(fields)) in caplog.text
    assert "secret-pizza" not in caplog.text and "two" not in caplog.text


def test_fields_that_are_missing_or_new_are_no_hindrance(journal: TurnJournal, recorder: Appended) -> None:
    assert journal.take({"type": "Turn"})
    assert journal.take({"type": "Turn", "end_of_turn": True, "words": [{"text": "two", "new": 1}], "later": {}})
    assert texts(recorder.events, UserFinal) == ["two"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["turn_order", "turn_is_formatted", "end_of_turn", "transcript", "utterance", "words", "speaker_label"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
async def test_no_message_whatsoever_raises(frame: dict[str, Any]) -> None:
    recorder = Appended()
    journal = TurnJournal(recorder)
    if not journal.take(frame):
        assert recorder.events == []
    journal.end()
