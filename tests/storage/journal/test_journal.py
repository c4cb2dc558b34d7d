"""What a journal has accepted is on the disk, in order; what it cannot accept never stops a call."""

import asyncio
import stat
from collections.abc import AsyncIterator
from fcntl import LOCK_EX, flock
from pathlib import Path
from threading import Event as Signal
from threading import Thread

import pytest

from tests.storage.disks import ForbiddenDisk, GatedDisk, LateDisk, RecordingDisk
from tests.transcript.journals import started
from worker.storage.disk import Disk
from worker.storage.errors import JournalInUse, JournalMissing, JournalUnwritable
from worker.storage.journal import journal as journal_module
from worker.storage.journal.journal import Accepted, Journal
from worker.storage.journal.lock import held
from worker.transcript.events import Event, Note
from worker.transcript.reading import Reading, read_lines

DEADLINE_S = 20


def note(number: int) -> Note:
    return Note(text=f"note {number}")


def read(journal: Journal) -> Reading:
    return read_lines(journal.path.read_bytes())


def events(journal: Journal) -> list[Event | None]:
    return [record.event for record in read(journal).records]


async def begin(directory: Path, disk: Disk | None = None, append_deadline_ms: int = 10_000) -> Journal:
    return await Journal.create(directory, "RM_1-verbatim", "AJ_1", disk=disk, append_deadline_ms=append_deadline_ms)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await begin(tmp_path / "journals")
    yield journal
    await journal.close()


async def test_what_was_accepted_is_in_the_file(journal: Journal) -> None:
    accepted = await journal.append(started())
    assert accepted == Accepted(seq=0, durable=True)
    assert events(journal) == [started()]
    assert journal.degraded is None


async def test_events_are_in_the_order_of_the_calls_with_times_that_never_go_back(journal: Journal) -> None:
    accepted = await asyncio.gather(*[journal.append(note(number)) for number in range(500)])
    assert [each.seq for each in accepted] == list(range(500))
    records = read(journal).records
    assert [record.event for record in records] == [note(number) for number in range(500)]
    assert [record.ms for record in records] == sorted(record.ms for record in records)
    assert records[-1].ms <= journal.clock()


async def test_an_event_is_accepted_only_after_its_sync(tmp_path: Path) -> None:
    disk = GatedDisk()
    journal = await begin(tmp_path, disk)
    answer = journal.append(note(0))
    assert await asyncio.to_thread(disk.syncing.wait, DEADLINE_S)
    assert events(journal) == [note(0)]
    assert not answer.done()
    disk.gate.set()
    assert (await answer).durable
    await journal.close()


async def test_what_waits_together_shares_one_sync(tmp_path: Path) -> None:
    disk = GatedDisk()
    journal = await begin(tmp_path, disk)
    first = journal.append(note(0))
    assert await asyncio.to_thread(disk.syncing.wait, DEADLINE_S)
    rest = [journal.append(note(number)) for number in range(1, 50)]
    disk.gate.set()
    await asyncio.gather(first, *rest)
    await journal.close()
    assert [call for call, _ in disk.calls if call != "sync_directory"] == ["write", "sync", "write", "sync"]


async def test_settled_waits_for_everything_appended_before(tmp_path: Path) -> None:
    disk = GatedDisk()
    journal = await begin(tmp_path, disk)
    assert await journal.settled()
    answer = journal.append(note(0))
    settled = asyncio.create_task(journal.settled())
    assert await asyncio.to_thread(disk.syncing.wait, DEADLINE_S)
    assert not settled.done()
    assert not await journal.settled(deadline_ms=1)
    disk.gate.set()
    assert await settled
    assert answer.done()
    await journal.close()


async def test_whoever_stops_waiting_for_an_answer_does_not_take_it_from_others(tmp_path: Path) -> None:
    disk = GatedDisk()
    journal = await begin(tmp_path, disk)
    journal.append(note(0)).cancel()
    settled = asyncio.create_task(journal.settled())
    assert await asyncio.to_thread(disk.syncing.wait, DEADLINE_S)
    disk.gate.set()
    assert await settled
    assert events(journal) == [note(0)]
    await journal.close()


async def test_the_file_and_its_directories_are_private_and_their_names_synced(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    journal = await begin(tmp_path / "var/journals", disk)
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    made = [tmp_path / "var", tmp_path / "var/journals", tmp_path / "var/journals/RM_1-verbatim"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700] * 3
    assert [path for call, path in disk.calls if call == "sync_directory"] == [tmp_path, *made]
    await journal.close()


async def test_a_journal_is_in_use_until_it_is_closed(tmp_path: Path) -> None:
    journal = await begin(tmp_path)
    with (
        pytest.raises(JournalInUse, match="is in use: its job lives or another process finalises it"),
        held(journal.path),
    ):
        pass
    await journal.close()
    with held(journal.path):
        pass


def test_a_journal_that_is_not_there_cannot_be_held(tmp_path: Path) -> None:
    with pytest.raises(JournalMissing, match="is not there: it was finalised already, or never written"):
        held(tmp_path / "none").__enter__()


async def test_a_job_has_one_journal_once(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(JournalUnwritable, match=r"exists already: a job has one journal, once$"):
        await begin(tmp_path / "journals")


async def test_a_directory_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnwritable, match=r"cannot be written \(Not a directory\): give storage.journal_dir"):
        await begin(tmp_path / "file")


async def test_a_directory_of_another_user_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(JournalUnwritable, match=r"cannot be written \(Permission denied\)"):
        await begin(tmp_path, ForbiddenDisk())


async def test_a_journal_that_began_too_late_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "CREATE_DEADLINE_S", 0.05)
    disk, free = LateDisk(), Signal()
    disk.gate.set()
    disk.make_directory(tmp_path / "RM_1-verbatim")
    disk.gate.clear()
    with pytest.raises(JournalUnwritable, match="did not answer within"):
        await begin(tmp_path, disk)
    path = tmp_path / "RM_1-verbatim/AJ_1.jsonl"
    disk.gate.set()

    def wait_for_the_lock() -> None:
        with path.open() as file:
            flock(file, LOCK_EX)
            free.set()

    # A daemon, so that a lock which is never freed fails the test and does not hold up its end.
    Thread(target=wait_for_the_lock, daemon=True).start()
    assert await asyncio.to_thread(free.wait, DEADLINE_S)


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    journal = await begin(tmp_path)
    answers = [journal.append(note(number)) for number in range(100)]
    await journal.close()
    assert all(answer.result().durable for answer in answers)
    assert len(events(journal)) == 100


async def test_an_append_after_closing_does_not_raise(tmp_path: Path) -> None:
    journal = await begin(tmp_path)
    await journal.close()
    await journal.close()
    assert not (await journal.append(note(0))).durable


async def test_a_reader_beside_the_writer_sees_a_prefix(journal: Journal) -> None:
    answers = []
    for number in range(300):
        answers.append(journal.append(note(number)))
        if number % 10 == 0:
            await answers[-1]
            reading = read(journal)
            assert reading.stop is None or reading.torn
            assert len(reading.records) > number
    await asyncio.gather(*answers)
    assert len(read(journal).records) == 300


async def test_many_journals_at_once_keep_their_own_order(tmp_path: Path) -> None:
    journals = [await Journal.create(tmp_path, "RM_1-verbatim", f"AJ_{number}") for number in range(25)]
    await asyncio.gather(*[journal.append(note(number)) for number in range(20) for journal in journals])
    for journal in journals:
        assert events(journal) == [note(number) for number in range(20)]
        await journal.close()
