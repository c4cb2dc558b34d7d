"""A journal that was cut or changed tells exactly what was accepted before, and names the line: never a wrong call."""

import os
import random
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcript.calls import CALLS, crashed_call, handover, short_call, transcript_of
from worker.transcript.errors import LineDamaged, LineTorn
from worker.transcript.joining import join_files
from worker.transcript.line import Record
from worker.transcript.reading import Reading, read_lines
from worker.transcript.render import FORMATS
from worker.transcript.replay import replay

SMALL = crashed_call()["AJ_1.jsonl"]
LARGE = short_call()["AJ_1.jsonl"]
FOREIGN = handover()["AJ_2.jsonl"].splitlines(keepends=True)[1:]
"""Lines of another journal, but for its first: with that it would be a journal, of another part."""

Lines = list[bytes]


def lines_of(journal: bytes) -> Lines:
    return journal.splitlines(keepends=True)


def accepted(journal: bytes, lines: int) -> Reading:
    """Return what a reading of the first `lines` lines of an unharmed journal is."""
    return read_lines(b"".join(lines_of(journal)[:lines]))


def tells_only(reading: Reading, records: tuple[Record, ...]) -> bool:
    """Return whether the reading is these records, and its transcript theirs, but for the gap that names the damage."""
    if reading.records != records:
        return False
    if not records:
        return True
    told, right = replay([reading]), replay([Reading(records, None, 0)])
    if reading.stop is not None and not reading.torn and told.complete:
        return False
    return told.model_copy(update={"gaps": right.gaps, "complete": right.complete}) == right


@pytest.mark.parametrize("whole", range(len(lines_of(SMALL))))
def test_a_journal_cut_at_any_byte_tells_the_lines_before_the_cut(whole: int) -> None:
    right = accepted(SMALL, whole)
    assert join_files([SMALL[: right.size]]) == (SMALL[: right.size], right)
    for length in range(right.size + 1, right.size + len(lines_of(SMALL)[whole])):
        reading = join_files([SMALL[:length]])[1]
        assert tells_only(reading, right.records)
        assert isinstance(reading.stop, LineTorn)
        assert reading.stop.line == whole + 1


@pytest.mark.parametrize("number", range(len(lines_of(SMALL))))
def test_every_bit_that_is_flipped_ends_the_journal_before_its_line_and_names_it(number: int) -> None:
    lines = lines_of(SMALL)
    start = sum(map(len, lines[:number]))
    right = accepted(SMALL, number)
    for position in range(start, start + len(lines[number])):
        for bit in range(8):
            damaged = SMALL[:position] + bytes([SMALL[position] ^ 1 << bit]) + SMALL[position + 1 :]
            reading = read_lines(damaged)
            assert reading.records == right.records
            assert reading.stop is not None
            assert reading.stop.line == number + 1
            # Losing what was accepted is never taken for a harmless torn end.
            assert isinstance(reading.stop, LineDamaged)


@given(position=st.integers(0, len(LARGE) - 1), bit=st.integers(0, 7))
def test_a_bit_that_is_flipped_in_a_longer_journal_leaves_the_call_up_to_there(position: int, bit: int) -> None:
    damaged = LARGE[:position] + bytes([LARGE[position] ^ 1 << bit]) + LARGE[position + 1 :]
    for reading in (read_lines(damaged), join_files([damaged])[1]):
        assert tells_only(reading, accepted(LARGE, LARGE[:position].count(b"\n")).records)
        assert isinstance(reading.stop, LineDamaged)


def changed(lines: Lines, data: st.DataObject) -> Lines:
    """Return `lines` after one thing was done to them that a chain must notice."""
    place = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(st.integers(0, len(lines) - 1))
    foreign = data.draw(st.sampled_from(FOREIGN) | st.binary(max_size=40).map(lambda line: line + b"\n"))
    match data.draw(st.sampled_from(["swap", "drop", "repeat", "insert", "replace", "splice"])):
        case "swap":
            lines[place], lines[other] = lines[other], lines[place]
        case "drop":
            del lines[place]
        case "repeat":
            lines.insert(other, lines[place])
        case "insert":
            lines.insert(place, foreign)
        case "replace":
            lines[place] = foreign
        case _:
            lines[place:] = FOREIGN[other % len(FOREIGN) :]
    return lines


@given(data=st.data())
def test_lines_swapped_dropped_repeated_inserted_or_spliced_are_named(data: st.DataObject) -> None:
    right = lines_of(LARGE)
    lines = changed(lines_of(LARGE), data)
    same = 0
    while same < min(len(lines), len(right)) and lines[same] == right[same]:
        same += 1
    reading = read_lines(b"".join(lines))
    assert tells_only(reading, accepted(LARGE, same).records)
    if same < len(lines):
        assert isinstance(reading.stop, LineDamaged)
        assert reading.stop.line == same + 1


@given(data=st.data())
def test_joining_takes_no_changed_line_either(data: st.DataObject) -> None:
    reading = join_files([b"".join(changed(lines_of(LARGE), data))])[1]
    assert tells_only(reading, accepted(LARGE, len(reading.records)).records)
    if len(reading.records) < len(lines_of(LARGE)) - 1:
        assert isinstance(reading.stop, LineDamaged)


@given(data=st.data())
def test_one_damaged_journal_never_changes_what_another_part_tells(data: st.DataObject) -> None:
    first, second = handover().values()
    damaged = read_lines(b"".join(changed(lines_of(first), data)))
    if not damaged.records:
        return
    told = replay([damaged, read_lines(second)])
    right = replay([read_lines(first), read_lines(second)])
    assert [turn.text for turn in told.turns if turn.started_ms >= 5500] == [
        turn.text for turn in right.turns if turn.started_ms >= 5500
    ]
    assert told.complete == (damaged.stop is None and damaged.records == read_lines(first).records)


@pytest.mark.parametrize("call", CALLS)
def test_the_order_in_which_parts_are_read_changes_nothing(call: str) -> None:
    files = CALLS[call]()
    expected = transcript_of(files)
    for order in permutations(sorted({name.split(".")[0] for name in files})):
        readings = [
            join_files([files[name] for name in sorted(files, key=len) if name.startswith(job)])[1] for job in order
        ]
        assert replay(readings) == expected


@pytest.mark.parametrize("seed", ["1", "2"])
def test_every_process_makes_the_same_bytes(seed: str) -> None:
    program = (
        "import hashlib; from tests.transcript.golden_files import files_of; from tests.transcript.calls import CALLS;"
        "print(hashlib.sha256(b''.join(data for call in CALLS for data in files_of(call).values())).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": seed}
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parents[2],
            env=environment | extra,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for extra in ({}, {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C"})
    ]
    assert printed[0] == printed[1] != ""


def test_the_same_bytes_make_the_same_transcript_twice() -> None:
    for call in CALLS:
        for render in FORMATS.values():
            assert render(transcript_of(CALLS[call]())) == render(transcript_of(CALLS[call]()))


def test_random_bytes_are_no_journal() -> None:
    randomness = random.Random(7)
    for size in range(200):
        reading = read_lines(randomness.randbytes(size) + b"\n")
        assert (reading.records, isinstance(reading.stop, LineDamaged)) == ((), True)
