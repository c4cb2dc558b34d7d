"""A journal of several files is what was written, as far as any of them tells it, and what nobody tells is named."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcript.journals import lines
from worker.transcript.errors import LineDamaged, LineNewer, LineTorn
from worker.transcript.events import Note
from worker.transcript.joining import join_files
from worker.transcript.reading import read_lines

LINES = lines(*[(ms, Note(text=f"note number {ms}")) for ms in range(9)])
WHOLE = b"".join(LINES)
RECORDS = read_lines(WHOLE).records


def file(first: int, end: int, torn: int = 0) -> bytes:
    """Return lines `first` to `end` (not included), and `torn` bytes of the next."""
    return b"".join(LINES[first:end]) + (LINES[end][:torn] if torn else b"")


def stop_of(files: Sequence[bytes]) -> str:
    return str(join_files(files)[1].stop)


def test_one_file_is_read_as_it_is() -> None:
    whole, reading = join_files([WHOLE])
    assert (whole, reading) == (WHOLE, read_lines(WHOLE))


@pytest.mark.parametrize("files", [[], [b""], [b"", b""]])
def test_no_lines_are_an_empty_journal(files: list[bytes]) -> None:
    whole, reading = join_files(files)
    assert (whole, reading.records, reading.stop) == (b"", (), None)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param([file(0, 5), file(3, 9)], id="with an overlap"),
        pytest.param([file(0, 5), file(5, 9)], id="end to end"),
        pytest.param([file(0, 5, torn=20), file(5, 9)], id="after a torn line"),
        pytest.param([file(0, 5, torn=20), file(4, 7, torn=60), file(6, 9)], id="after two torn lines"),
        pytest.param([file(0, 9), file(3, 5)], id="a successor that was not needed"),
        pytest.param([file(0, 9), file(3, 5, torn=9)], id="a torn successor that was not needed"),
        pytest.param([file(0, 5), b"", file(3, 9)], id="an empty file between"),
        pytest.param([file(0, 5), LINES[5][:30], file(3, 9)], id="a file with half a line between"),
        pytest.param([file(0, 5), b"\0" * 512, file(3, 9)], id="a file of which nothing was written"),
        pytest.param([b"", file(0, 9)], id="an empty first file"),
        pytest.param([file(0, 9)], id="a successor alone that begins at 0"),
        pytest.param([file(4, 7), file(0, 5), file(7, 9)], id="a later file that begins earlier"),
        pytest.param([file(0, 5) + b"\0" * 512 + LINES[8][-40:], file(5, 9)], id="after a hole of zeros"),
        pytest.param(
            [file(0, 5) + LINES[5][:-1] + b"\0" + file(6, 9), file(4, 7)], id="around two lines that became one"
        ),
    ],
)
def test_files_that_have_every_line_are_one_whole_journal(files: list[bytes]) -> None:
    whole, reading = join_files(files)
    assert (whole, reading.records, reading.stop, reading.size) == (WHOLE, RECORDS, None, len(WHOLE))


def test_a_torn_end_of_the_last_file_is_torn() -> None:
    whole, reading = join_files([file(0, 5), file(4, 8, torn=30)])
    assert whole == file(0, 8)
    assert isinstance(reading.stop, LineTorn)
    assert str(reading.stop) == "file 2, line 5: 30 bytes and no line feed"


def test_a_missing_successor_is_named() -> None:
    files = [file(0, 5), file(7, 9)]
    assert join_files(files)[1].records == RECORDS[:5]
    assert stop_of(files) == "file 2, line 1: it goes on with seq 7, and seq 5 is nowhere"


def test_a_missing_successor_is_named_also_after_a_torn_line() -> None:
    files = [file(0, 5, torn=20), file(7, 9)]
    assert isinstance(join_files(files)[1].stop, LineDamaged)
    assert stop_of(files) == "file 2, line 1: it goes on with seq 7, and seq 5 is nowhere"


def test_a_missing_first_file_is_named() -> None:
    assert stop_of([file(3, 9)]) == "line 1: it goes on with seq 3, and seq 0 is nowhere"


def test_a_damaged_line_that_no_other_file_has_is_named() -> None:
    damaged = LINES[6].replace(b"number", b"numbed")
    files = [file(0, 5), LINES[4] + LINES[5] + damaged + LINES[7]]
    assert join_files(files)[1].records == RECORDS[:6]
    assert stop_of(files).startswith("file 2, line 3: chain link is ")


def test_a_damaged_line_that_another_file_has_does_not_end_the_journal() -> None:
    damaged = LINES[5].replace(b"number", b"numbed")
    whole, reading = join_files([file(0, 6), LINES[4] + damaged + file(6, 9)])
    assert (whole, reading.stop) == (WHOLE, None)


def test_a_damaged_line_at_the_beginning_of_a_successor_is_not_passed_over() -> None:
    """Nothing after it could be verified, and so nothing may be lost without a word."""
    for damaged in (b"\0" * len(LINES[5][:-1]) + b"\n", LINES[5].replace(b'"seq":5', b'"seq":4')):
        reading = join_files([file(0, 5), damaged + LINES[6]])[1]
        assert reading.records == RECORDS[:5]
        assert isinstance(reading.stop, LineDamaged)


def test_a_successor_of_which_no_line_tells_its_number_is_named() -> None:
    assert stop_of([file(0, 5), b"what is this?\n"]) == "file 2, line 1: no line of the file tells its number"


def test_two_files_that_tell_the_same_number_otherwise_are_named() -> None:
    others = lines(*[(ms, Note(text=f"note number {min(ms, 5)}")) for ms in range(9)])
    files = [file(0, 8), b"".join(others[4:])]
    assert join_files(files)[1].records == RECORDS[:6]
    assert stop_of(files) == "file 2, line 3: another file tells seq 6 otherwise"


def test_a_journal_and_the_successor_of_another_are_no_journal() -> None:
    others = lines(*[(ms, Note(text="another call")) for ms in range(9)])
    reading = join_files([file(0, 5), b"".join(others[4:])])[1]
    assert reading.records == RECORDS[:5]
    assert isinstance(reading.stop, LineDamaged)


def test_a_newer_line_in_a_successor_is_named_as_newer() -> None:
    newer = rechained(LINES[5].replace(b'"v":1', b'"v":2'), RECORDS[4].h)
    reading = join_files([file(0, 5, torn=11), file(4, 5) + newer])[1]
    assert isinstance(reading.stop, LineNewer)
    assert str(reading.stop) == "file 2, line 2: format version is 2, this program reads up to 1"


@pytest.mark.parametrize(
    "seq", [b"-1", b"1e3", b'"5"', b"null", b"true", b"5.0", b"999999999999999", b"9" * 5000, b"[" * 5000]
)
def test_hostile_numbers_are_named_and_never_raise(seq: bytes) -> None:
    hostile = LINES[5].replace(b'"seq":5', b'"seq":' + seq)
    reading = join_files([file(0, 5), hostile])[1]
    assert reading.records == RECORDS[:5]
    assert isinstance(reading.stop, LineDamaged)


def rechained(line: bytes, previous: str) -> bytes:
    covered = line[: line.rindex(b',"h":')]
    return covered + b',"h":"%s"}\n' % sha256(previous.encode() + covered).hexdigest()[:16].encode()


@st.composite
def journals(draw: st.DrawFn) -> list[bytes]:
    """Draw the files of a whole journal as a writer with a bad disk leaves them."""
    files = []
    reached = 0
    for back, length, torn in draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 40)))):
        first = max(0, reached - back)
        end = min(first + length, len(LINES) - 1)
        files.append(file(first, end, torn))
        reached = max(reached, end)
    return [*files, file(max(0, reached - draw(st.integers(0, 4))), len(LINES))]


@given(files=journals())
def test_whatever_the_overlaps_every_line_is_there_once(files: list[bytes]) -> None:
    assert join_files(files) == (WHOLE, join_files([WHOLE])[1])


@given(files=journals(), data=st.data())
def test_a_flipped_bit_is_made_good_or_named(files: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(files) - 1))
    if not files[place]:
        return
    flipped = bytearray(files[place])
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    files[place] = bytes(flipped)
    reading = join_files(files)[1]
    assert reading.records == RECORDS[: len(reading.records)]
    assert len(reading.records) == len(RECORDS) or isinstance(reading.stop, LineDamaged)


@given(files=journals(), data=st.data())
def test_a_file_that_is_gone_or_cut_leaves_a_prefix_and_what_comes_after_the_hole_is_named(
    files: list[bytes], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(files) - 1))
    files[place] = files[place][: data.draw(st.integers(0, len(files[place])))]
    reading = join_files(files)[1]
    assert reading.records == RECORDS[: len(reading.records)]
    if any(file.endswith(LINES[-1]) for file in files):
        assert len(reading.records) == len(RECORDS) or isinstance(reading.stop, LineDamaged)


@given(files=st.lists(st.lists(st.integers(0, len(LINES) - 1), max_size=8), max_size=4))
def test_lines_in_any_order_in_any_file_are_never_a_wrong_journal(files: list[list[int]]) -> None:
    reading = join_files([b"".join(LINES[place] for place in order) for order in files])[1]
    reached = len(reading.records)
    assert reading.records == RECORDS[:reached]
    assert isinstance(reading.stop, LineDamaged) or all(place < reached for order in files for place in order)


@given(files=st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(LINES)), max_size=6))
def test_whatever_the_bytes_nothing_is_raised_and_what_is_read_was_written(files: list[bytes]) -> None:
    whole, reading = join_files(files)
    assert reading.records == RECORDS[: len(reading.records)]
    assert WHOLE.startswith(whole)
