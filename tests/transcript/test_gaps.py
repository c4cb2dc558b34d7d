"""A gap that the journal tells of is one gap, however often it was written, and ends with its part at the latest."""

import pytest

from tests.transcript.journals import part, told
from worker.transcript.events import Gap, PartEnded
from worker.transcript.model import Transcript
from worker.transcript.replay import replay

SLOW = "not durable: the disk took longer than 1000 ms"
END = PartEnded(reason="caller_left")


def gaps(transcript: Transcript) -> list[tuple[int, int | None, str, str | None]]:
    return [(gap.from_ms, gap.to_ms, gap.reason, gap.participant) for gap in transcript.gaps]


def test_a_gap_that_is_closed_later_is_one_gap() -> None:
    open_gap = Gap(from_ms=300, reason=SLOW)
    closed = Gap(from_ms=300, to_ms=800, reason=SLOW)
    assert gaps(told((400, open_gap), (900, closed), (1000, END))) == [(300, 800, SLOW, None)]


def test_a_gap_that_is_never_closed_lasts_to_the_end() -> None:
    assert gaps(told((400, Gap(from_ms=300, reason=SLOW)), (1000, END))) == [(300, None, SLOW, None)]


def test_a_gap_that_begins_at_another_time_is_another_gap() -> None:
    transcript = told((400, Gap(from_ms=300, reason=SLOW)), (600, Gap(from_ms=500, to_ms=550, reason=SLOW)), (900, END))
    assert gaps(transcript) == [(300, None, SLOW, None), (500, 550, SLOW, None)]


def test_a_gap_of_another_reason_or_participant_is_another_gap() -> None:
    transcript = told(
        (400, Gap(from_ms=300, reason=SLOW)),
        (500, Gap(from_ms=300, to_ms=450, reason=SLOW, participant="caller")),
        (600, Gap(from_ms=300, to_ms=550, reason="the recogniser was away")),
        (900, END),
    )
    assert len(transcript.gaps) == 3


def test_an_open_gap_of_a_part_that_another_followed_ends_with_its_part() -> None:
    first = part((400, Gap(from_ms=300, reason=SLOW)), (5000, PartEnded(reason="handover")))
    second = part((900, END), number=2, after_ms=4000)
    assert gaps(replay([first, second])) == [(300, 5000, SLOW, None)]


def test_gaps_of_the_same_beginning_in_two_parts_are_two_gaps() -> None:
    first = part((400, Gap(from_ms=300, to_ms=350, reason=SLOW)), (5000, PartEnded(reason="handover")))
    second = part((400, Gap(from_ms=300, to_ms=350, reason=SLOW)), (900, END), number=2, after_ms=4000)
    assert gaps(replay([first, second])) == [(300, 350, SLOW, None), (4300, 4350, SLOW, None)]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2], []),
        ([2], ["part 1 is missing"]),
        ([1, 3, 7], ["part 2 is missing", "parts 4 to 6 are missing"]),
        ([-5, 0, 10**15], [f"parts 1 to {10**15 - 1} are missing"]),
    ],
)
def test_parts_that_are_missing_are_named_however_many(numbers: list[int], missing: list[str]) -> None:
    transcript = replay([part((900, PartEnded(reason="handover")), number=number) for number in numbers])
    assert [gap.reason for gap in transcript.gaps if "missing" in gap.reason] == missing


UNSENT = "part 1 was finished from what its node had sent to the store; what the node wrote after that is not here"


def test_a_part_of_which_only_the_segments_are_known_says_so_from_its_last_event_on() -> None:
    transcript = replay([part((700, Gap(from_ms=300, to_ms=400, reason=SLOW)))], ["AJ_1"])
    assert (700, None, UNSENT, None) in gaps(transcript)
    assert not transcript.complete


def test_of_a_part_that_is_followed_by_another_the_same_is_said_where_it_breaks_off() -> None:
    parts = [part((700, Gap(from_ms=300, to_ms=400, reason=SLOW))), part((900, END), number=2, after_ms=5000)]
    assert (700, 700, UNSENT, None) in gaps(replay(parts, ["AJ_1", "AJ_2"]))


def test_a_part_whose_end_is_known_lacks_nothing_wherever_it_was_read() -> None:
    assert replay([part((900, END))], ["AJ_1"]).complete
