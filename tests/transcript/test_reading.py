"""Whatever happens to a journal's bytes, what is read is exactly a prefix of what was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcript.journals import lines
from worker.transcript.errors import LineDamaged, LineTorn
from worker.transcript.events import Note
from worker.transcript.reading import read_lines

LINES = lines(*[(ms, Note(text=f"note number {ms}")) for ms in range(6)])
WHOLE = b"".join(LINES)
RECORDS = read_lines(WHOLE).records


def test_a_whole_journal_is_read_to_its_end() -> None:
    reading = read_lines(WHOLE)
    assert [record.seq for record in reading.records] == [0, 1, 2, 3, 4, 5]
    assert (reading.stop, reading.torn, reading.size) == (None, False, len(WHOLE))
    assert reading.head == RECORDS[-1].h


def test_an_empty_journal_holds_nothing() -> None:
    reading = read_lines(b"")
    assert (reading.records, reading.stop, reading.head) == ((), None, "")


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_every_cut_leaves_the_whole_lines_before_it(length: int) -> None:
    reading = read_lines(WHOLE[:length])
    whole_lines = WHOLE[:length].count(b"\n")
    assert reading.records == RECORDS[:whole_lines]
    assert reading.torn == (WHOLE[:length] != b"".join(LINES[:whole_lines]))


@given(position=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_every_flipped_bit_leaves_the_lines_before_it_and_names_the_line(position: int, bit: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[position] ^= 1 << bit
    reading = read_lines(bytes(damaged))
    number = WHOLE[:position].count(b"\n") + 1
    assert reading.records == RECORDS[: number - 1]
    assert reading.stop is not None
    assert str(reading.stop).startswith(f"line {number}: ")
    assert "note number" not in str(reading.stop)


@given(order=st.lists(st.integers(0, 5), max_size=8))
def test_swapped_dropped_and_repeated_lines_are_never_taken_for_a_journal(order: list[int]) -> None:
    reading = read_lines(b"".join(LINES[place] for place in order))
    right = 0
    while right < len(order) and order[right] == right:
        right += 1
    assert reading.records == RECORDS[:right]
    assert isinstance(reading.stop, LineDamaged) == (right < len(order))


def test_lines_that_continue_others_are_read_from_their_number_and_link() -> None:
    reading = read_lines(b"".join(LINES[3:]), seq=3, previous=RECORDS[2].h)
    assert reading.records == RECORDS[3:]


def test_torn_is_told_from_damaged() -> None:
    assert isinstance(read_lines(WHOLE[:-1]).stop, LineTorn)
    assert isinstance(read_lines(WHOLE + b"\0" * 40 + b"\n").stop, LineDamaged)
