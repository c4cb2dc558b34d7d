"""What waits on this node is counted as it is."""

import os
import time
from pathlib import Path

from tests.storage.left import left
from worker.storage.journal.spool import Spool, measure


def test_a_directory_that_nobody_made_holds_nothing(tmp_path: Path) -> None:
    assert measure(tmp_path / "journals", 5) == Spool(0, 0, 0.0, 5)


def test_files_of_a_journal_are_one_and_what_is_no_journals_does_not_count(tmp_path: Path) -> None:
    left(tmp_path, b"12345")
    left(tmp_path, b"123", name="AJ_1.1")
    left(tmp_path, b"12", session="RM_2")
    left(tmp_path, b"1", session="RM_2", name="notes.of.mine")
    (tmp_path / "probe-0123456789abcdef").write_bytes(b"1")
    found = measure(tmp_path, 0)
    assert (found.journals, found.size) == (2, 10)


def test_the_oldest_is_the_journal_that_rests_longest(tmp_path: Path) -> None:
    begun, running, resting = (
        left(tmp_path, b"1"),
        left(tmp_path, b"1", name="AJ_1.1"),
        left(tmp_path, b"1", name="AJ_2"),
    )
    now = time.time()
    os.utime(begun, (now - 9000, now - 9000))
    os.utime(running, (now, now))
    assert measure(tmp_path, 0).oldest_s < 60
    os.utime(resting, (now - 600, now - 600))
    assert 600 <= measure(tmp_path, 0).oldest_s < 660


def test_it_is_full_at_the_limit_and_nearly_full_at_four_fifths() -> None:
    marks = [(each.nearly_full, each.full) for each in (Spool(1, size, 0, 100) for size in (79, 80, 99, 100, 1000))]
    assert marks == [(False, False), (True, False), (True, False), (True, True), (True, True)]
    assert not Spool(1, 10**12, 0, 0).full


def test_it_reads_as_a_person_says_it() -> None:
    assert str(Spool(1, 1_250_000, 59, 0)) == "1 journal, 1.2 MB, the oldest at rest for 59 s"
    assert str(Spool(12, 0, 2 * 86_400, 10**9)) == "12 journals, 0.0 of 1000 MB, the oldest at rest for 2 d"
