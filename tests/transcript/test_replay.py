"""Parts into one room timeline; what may be missing is said."""

import random

import pytest

from tests.transcript.journals import BEGAN, at, lines, part, started, told
from worker.transcript.errors import ReplayError
from worker.transcript.events import (
    AgentChanged,
    AgentSaid,
    Dtmf,
    ErrorRaised,
    Gap,
    Note,
    PartEnded,
    ParticipantJoined,
    ParticipantLeft,
    SttClosed,
    SttOpened,
    ToolCalled,
    ToolReturned,
    TurnLatency,
    UsageReported,
    UserFinal,
    UserTurn,
    Word,
)
from worker.transcript.model import ModelUsage, SttSession, Tool, Transcript
from worker.transcript.reading import Reading, read_lines
from worker.transcript.replay import replay

END = PartEnded(reason="caller_left")


def said(text: str) -> UserFinal:
    return UserFinal(participant="caller", text=text, stream="S1")


def gaps(transcript: Transcript) -> list[tuple[int, int | None, str]]:
    return [(gap.from_ms, gap.to_ms, gap.reason) for gap in transcript.gaps]


def test_a_call_that_ended_well_is_complete() -> None:
    transcript = told((10, ParticipantJoined(identity="caller")), (900, said("hi")), (5000, END))
    assert transcript.complete
    assert transcript.transcript_id == "RM_1-verbatim"
    assert (transcript.room.name, transcript.room.sid, transcript.agent) == ("support", "RM_1", "verbatim")
    assert transcript.started_at == "2026-11-21T10:00:00.000Z"
    assert (transcript.ended.at, transcript.ended.ms) == ("2026-11-21T10:00:05.000Z", 5000)
    assert transcript.ended.reason == "caller_left"


def test_without_an_end_the_reason_is_crashed_at_the_last_event() -> None:
    transcript = told((900, said("hi")))
    assert not transcript.complete
    assert (transcript.ended.at, transcript.ended.reason) == (at(900), "crashed")
    assert gaps(transcript) == [(900, None, "the worker died; what was said after its last record is not known")]


def test_what_is_written_after_the_end_is_bookkeeping() -> None:
    closed = SttClosed(stream="S1", session="as-1", billed_seconds=12.5)
    transcript = told((10, SttOpened(stream="S1", session="as-1")), (5000, END), (6000, closed))
    assert (transcript.ended.ms, transcript.complete) == (5000, True)
    assert transcript.usage.stt_billed_seconds == 12.5
    assert transcript.parts[0].stt_sessions == (SttSession(stream="S1", session="as-1", billed_seconds=12.5),)


def test_a_torn_tail_after_the_end_leaves_the_transcript_complete() -> None:
    data = b"".join(lines((0, started()), (10, END), (20, Note(text="late"))))
    assert replay([read_lines(data[:-9])]).complete


def test_damage_is_a_gap_that_names_the_line() -> None:
    data = bytearray(b"".join(lines((0, started()), (10, said("hi")), (20, END))))
    data[-40] ^= 1
    transcript = replay([read_lines(bytes(data))])
    assert [turn.text for turn in transcript.turns] == ["hi"]
    assert "the journal of part 1 is unreadable from line 3: chain link is" in gaps(transcript)[0][2]


def test_a_gap_that_was_written_makes_the_transcript_incomplete() -> None:
    transcript = told((900, Gap(from_ms=100, to_ms=800, reason="not durable")), (1000, END))
    assert not transcript.complete
    assert gaps(transcript) == [(100, 800, "not durable")]


def test_a_person_who_was_not_transcribed_is_a_gap_that_names_them() -> None:
    joined = ParticipantJoined(identity="other", participant_kind="sip", transcribed=False)
    transcript = told((300, joined), (700, ParticipantLeft(identity="other")), (900, END))
    (gap,) = transcript.gaps
    assert (gap.from_ms, gap.to_ms, gap.participant) == (300, 700, "other")
    assert not transcript.complete


def test_a_person_who_is_transcribed_from_some_time_on_is_a_gap_until_then() -> None:
    transcript = told(
        (300, ParticipantJoined(identity="other", transcribed=False)),
        (700, ParticipantJoined(identity="other", transcribed=True)),
        (900, END),
    )
    assert [(gap.from_ms, gap.to_ms) for gap in transcript.gaps] == [(300, 700)]


@pytest.mark.parametrize("kind", ["agent", "egress", "ingress"])
def test_who_does_not_speak_need_not_be_transcribed(kind: str) -> None:
    joined = ParticipantJoined(identity="recorder", participant_kind=kind, transcribed=False)
    assert told((300, joined), (900, END)).complete


def test_participants_are_listed_once_with_their_times() -> None:
    transcript = told(
        (100, ParticipantJoined(identity="caller", name="Alice")),
        (500, ParticipantLeft(identity="caller")),
        (600, ParticipantJoined(identity="caller")),
        (900, END),
    )
    (person,) = transcript.participants
    assert (person.name, person.joined_ms, person.left_ms) == ("Alice", 100, None)


def two_parts() -> list[Reading]:
    first = part((1000, said("my name is Ada")), (1100, UserTurn(participant="caller", text="")))
    second = part((500, AgentSaid(text="Hello Ada.")), (900, END), number=2, after_ms=4000)
    return [first, second]


def test_parts_are_one_timeline_whatever_the_order_in_which_they_come() -> None:
    transcript = replay(two_parts())
    assert [(turn.text, turn.started_ms) for turn in transcript.turns] == [
        ("my name is Ada", 1000),
        ("Hello Ada.", 4500),
    ]
    assert [(part.part, part.started_ms, part.ended.reason) for part in transcript.parts] == [
        (1, 0, "crashed"),
        (2, 4000, "caller_left"),
    ]
    assert (transcript.ended.at, transcript.ended.reason) == (at(4900), "caller_left")
    assert gaps(transcript) == [(1100, 4000, "nobody listened between part 1 and part 2")]
    assert replay(two_parts()[::-1]) == transcript


def test_a_handover_that_overlaps_leaves_no_gap() -> None:
    first = part((5000, PartEnded(reason="handover")))
    second = part((9000, END), number=2, after_ms=4000)
    assert replay([first, second]).complete


def test_a_missing_part_is_a_gap() -> None:
    first = part((5000, PartEnded(reason="handover")))
    third = part((9000, END), number=3, after_ms=4000)
    assert gaps(replay([first, third])) == [(4000, 4000, "part 2 is missing")]


def test_a_node_whose_clock_is_behind_comes_after_its_predecessor() -> None:
    first = part((1000, said("one")), (2000, PartEnded(reason="handover")))
    second = part((100, said("two")), (200, END), number=2, after_ms=-60_000)
    transcript = replay([first, second])
    assert [(turn.text, turn.started_ms) for turn in transcript.turns] == [("one", 1000), ("two", 2100)]


def test_times_of_words_move_with_their_part() -> None:
    final = UserFinal(participant="caller", text="two", words=(Word("two", 100, 300),))
    transcript = replay([part((10, END)), part((400, final), (900, END), number=2, after_ms=4000)])
    assert transcript.turns[0].words == (Word("two", 4100, 4300),)


def test_turns_are_counted_in_the_order_of_their_beginning() -> None:
    late = UserFinal(participant="caller", text="wait", started_ms=500, ended_ms=2500)
    greeting = AgentSaid(text="Hello, this is", interrupted=True, started_ms=100, ended_ms=600)
    transcript = told((700, greeting), (2600, late), (3000, END))
    assert [(turn.index, turn.text) for turn in transcript.turns] == [(0, "Hello, this is"), (1, "wait")]


def test_times_never_run_backwards() -> None:
    randomness = random.Random(7)
    finals = [
        UserFinal(
            participant="caller",
            text=str(number),
            started_ms=randomness.randint(-50, 5000),
            ended_ms=randomness.randint(-50, 5000),
        )
        for number in range(200)
    ]
    transcript = told(*[(number, final) for number, final in enumerate(finals)])
    starts = [turn.started_ms for turn in transcript.turns]
    assert starts == sorted(starts)
    assert all(0 <= turn.started_ms <= turn.ended_ms for turn in transcript.turns)
    assert sum(len(turn.text.split()) for turn in transcript.turns) == 200


def test_a_tool_call_is_a_turn_with_its_result() -> None:
    called = ToolCalled(call="c1", name="book", arguments='{"day": "Friday"}')
    transcript = told((100, called), (400, ToolReturned(call="c1", output="booked")), (900, END))
    (turn,) = transcript.turns
    assert (turn.role, turn.text, turn.started_ms, turn.ended_ms) == (
        "tool",
        'book({"day": "Friday"}): booked',
        100,
        400,
    )
    assert turn.tool == Tool(call="c1", name="book", arguments='{"day": "Friday"}', output="booked")


def test_a_tool_call_without_a_result_says_so() -> None:
    (turn,) = told((100, ToolCalled(call="c1", name="book"))).turns
    assert turn.text == "book(): no result"
    assert turn.tool is not None
    assert turn.tool.output is None


def test_keys_agents_and_notes_are_system_turns() -> None:
    transcript = told(
        (100, Dtmf(participant="caller", digit="5")), (200, AgentChanged(agent="Booking")), (300, Note(text="vip"))
    )
    assert [(turn.role, turn.text) for turn in transcript.turns] == [
        ("system", "pressed 5"),
        ("system", "agent is now Booking"),
        ("system", "vip"),
    ]


def test_errors_are_listed_with_their_time() -> None:
    transcript = told((100, ErrorRaised(code="stt-refused", message="The key was refused.", fatal=True)))
    (error,) = transcript.errors
    assert (error.ms, error.code, error.fatal) == (100, "stt-refused", True)


def test_of_each_part_the_newest_totals_count_and_parts_add_up() -> None:
    def used(tokens: int) -> UsageReported:
        return UsageReported(service="llm", model="m", amounts={"input_tokens": tokens})

    first = part((1, used(10)), (2, used(25)), (3, PartEnded(reason="handover")))
    second = part((1, used(4)), (2, END), number=2)
    assert replay([first, second]).usage.models == (ModelUsage(service="llm", model="m", amounts={"input_tokens": 29}),)


def test_answer_times_are_summed_up() -> None:
    answers = [(ms, TurnLatency(answer_ms=ms)) for ms in range(100, 2100, 100)]
    latency = told(*answers, (5000, END)).latency
    assert (latency.answers, latency.p50_ms, latency.p95_ms) == (20, 1000, 1900)


def test_a_line_that_is_not_understood_is_a_gap_and_hides_nothing_after_it() -> None:
    broken = UserFinal(participant="caller", text=None)  # type: ignore[arg-type]
    transcript = told((100, broken), (200, said("hi")), (900, END))
    assert [turn.text for turn in transcript.turns] == ["hi"]
    assert gaps(transcript) == [(100, 100, "a journal line of kind user.final could not be understood")]


def test_a_journal_that_begins_otherwise_tells_of_no_call() -> None:
    reading = read_lines(b"".join(lines((0, Note(text="x")), began=BEGAN)))
    with pytest.raises(ReplayError, match=r"^a journal begins with note, not with part.started$"):
        replay([reading])
    with pytest.raises(ReplayError):
        replay([read_lines(b"")])
    with pytest.raises(ReplayError):
        replay([])
