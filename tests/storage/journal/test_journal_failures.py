"""A disk that fails: the call goes on, everyone is told, and nothing that was accepted is lost."""

import asyncio
import errno
import logging
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.storage.disks import TroubledDisk
from tests.storage.reading import errors, events, files, gaps, read, texts, until
from worker.storage.disk import Disk
from worker.storage.errors import JournalInUse
from worker.storage.journal import journal as journal_module
from worker.storage.journal.journal import Journal
from worker.storage.journal.lock import held
from worker.transcript.events import Gap, Note

RETRY_S = 0.005
SHORT_MS = 100
LONG_MS = 10_000
FAULTS = [("write", errno.ENOSPC), ("sync", errno.EIO)]
FAULT_NAMES = ["disk full", "sync fails"]


def note(number: int) -> Note:
    return Note(text=f"note {number}")


async def begin(directory: Path, disk: Disk, deadline_ms: int = LONG_MS, retry_s: float = RETRY_S) -> Journal:
    return await Journal.create(
        directory, "RM_1-verbatim", "AJ_1", disk=disk, append_deadline_ms=deadline_ms, retry_s=retry_s
    )


def notes(journal: Journal) -> list[str]:
    return texts(events(journal.path, journal.memory()))


def expected(count: int) -> list[str]:
    return [f"note {number}" for number in range(count)]


@pytest.fixture
def disk() -> TroubledDisk:
    return TroubledDisk()


@pytest.fixture
async def journal(tmp_path: Path, disk: TroubledDisk) -> AsyncIterator[Journal]:
    journal = await begin(tmp_path / "journals", disk)
    yield journal
    disk.allow()
    await journal.close()
    assert disk.touched_after_failure == 0


@pytest.mark.parametrize(("operation", "number"), FAULTS, ids=FAULT_NAMES)
async def test_a_disk_that_fails_holds_nobody_up_and_the_journal_goes_on_in_another_file(
    journal: Journal, disk: TroubledDisk, operation: str, number: int
) -> None:
    assert (await journal.append(note(0))).durable
    disk.refuse(operation, number=number)
    assert not (await journal.append(note(1))).durable
    assert journal.degraded == f"the journal is not durable: the disk refuses it ({os.strerror(number)})"
    assert not (await journal.append(note(2))).durable
    assert not await journal.settled()
    assert notes(journal) == expected(3)
    disk.allow()
    await until(lambda: journal.degraded is None)
    assert await journal.settled()
    assert (await journal.append(note(3))).durable
    assert journal.memory() == b""
    assert notes(journal) == expected(4)
    assert len(files(journal.path)) == 2


async def test_the_time_that_was_not_durable_is_in_the_journal(journal: Journal, disk: TroubledDisk) -> None:
    await journal.append(note(0))
    disk.refuse("sync")
    before = journal.clock()
    await journal.append(note(1))
    disk.allow()
    await until(lambda: journal.degraded is None)
    await journal.settled()
    found = events(journal.path)
    assert errors(found) == ["journal_not_durable"]
    opened, closed = gaps(found)
    assert opened == Gap(from_ms=closed.from_ms, reason=closed.reason)
    assert closed.reason == "not durable: the disk refuses it (Input/output error)"
    assert closed.to_ms is not None
    assert before <= closed.from_ms <= closed.to_ms <= journal.clock()


async def test_the_alert_is_raised_once_and_quotes_nobody(
    journal: Journal, disk: TroubledDisk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.refuse("create", "sync")
    for _ in range(10):
        await journal.append(Note(text="my card number"))
    await until(lambda: disk.attempts["create"] > 3)
    disk.allow()
    await until(lambda: journal.degraded is None)
    await journal.settled()
    alerts = [record for record in caplog.records if record.name == "verbatim.alert"]
    assert [record.levelno for record in alerts] == [logging.ERROR]
    assert vars(alerts[0])["alert"] == "journal_not_durable"
    assert "is durable again" in caplog.text
    assert "card" not in caplog.text


async def test_a_disk_that_stays_broken_is_tried_again_and_again_and_not_littered(
    journal: Journal, disk: TroubledDisk
) -> None:
    await journal.append(note(0))
    disk.refuse("sync")
    await journal.append(note(1))
    await until(lambda: disk.attempts["sync"] > 5)
    disk.allow()
    await until(lambda: journal.degraded is None)
    await journal.settled()
    assert notes(journal) == expected(2)
    await until(lambda: len(files(journal.path)) == 2)


@pytest.mark.parametrize("operation", ["create", "sync_directory", "write", "sync"])
async def test_a_successor_that_fails_is_followed_by_another(
    journal: Journal, disk: TroubledDisk, operation: str
) -> None:
    await journal.append(note(0))
    disk.refuse("sync", operation)
    tried = disk.attempts[operation]
    await journal.append(note(1))
    await until(lambda: disk.attempts[operation] > tried + 2)
    assert not (await journal.append(note(2))).durable
    disk.allow()
    await until(lambda: journal.degraded is None)
    assert (await journal.append(note(3))).durable
    assert notes(journal) == expected(4)


async def test_a_second_failure_is_survived_like_the_first(journal: Journal, disk: TroubledDisk) -> None:
    for number in range(3):
        assert (await journal.append(note(2 * number))).durable
        disk.refuse("sync")
        assert not (await journal.append(note(2 * number + 1))).durable
        disk.allow()
        await until(lambda: journal.degraded is None)
        assert await journal.settled()
    found = events(journal.path)
    assert texts(found) == expected(6)
    assert len(errors(found)) == 3
    assert [gap.to_ms is None for gap in gaps(found)] == [True, False] * 3
    assert len(files(journal.path)) == 4


async def test_appends_during_recovery_keep_their_order_and_are_answered_once(
    journal: Journal, disk: TroubledDisk
) -> None:
    answers = []
    for number in range(400):
        if number % 100 == 20:
            disk.refuse("sync")
        if number % 100 == 60:
            disk.allow()
        answers.append(journal.append(note(number)))
        if number % 7 == 0:
            await answers[-1]
    await asyncio.gather(*answers)
    await until(lambda: journal.degraded is None)
    await journal.settled()
    assert notes(journal) == expected(400)
    seqs = [answer.result().seq for answer in answers]
    assert seqs == sorted(set(seqs))


async def test_a_sync_that_hangs_is_left_and_a_successor_takes_over(tmp_path: Path, disk: TroubledDisk) -> None:
    journal = await begin(tmp_path, disk, SHORT_MS)
    await journal.append(note(0))
    gate = disk.hang_next_sync()
    assert not (await journal.append(note(1))).durable
    assert disk.hanging.is_set()
    await until(lambda: journal.degraded is None)
    journal.append(note(2))
    await until(lambda: not journal.memory())
    gaps_of_it = gaps(events(journal.path))
    assert {gap.reason for gap in gaps_of_it} == {"not durable: the disk was too slow"}
    with pytest.raises(JournalInUse), held(journal.path):
        pass
    await journal.close()
    gate.set()
    assert notes(journal) == expected(3)
    assert len(files(journal.path)) > 1


async def test_what_is_said_while_a_successor_is_begun_is_in_it(tmp_path: Path, disk: TroubledDisk) -> None:
    journal = await begin(tmp_path, disk, SHORT_MS)
    first = disk.hang_next_sync()
    journal.append(note(0))
    assert await asyncio.to_thread(disk.hanging.wait, 20)
    second = disk.hang_next_sync()
    assert await asyncio.to_thread(disk.hanging.wait, 20)
    journal.append(note(1))
    second.set()
    await until(lambda: journal.degraded is None and not journal.memory())
    assert notes(journal) == expected(2)
    await journal.close()
    first.set()


async def test_a_disk_that_hangs_altogether_holds_nobody_up_and_the_file_goes_on_when_it_comes_back(
    tmp_path: Path, disk: TroubledDisk
) -> None:
    journal = await begin(tmp_path, disk, SHORT_MS)
    gate = disk.hang_next_sync()
    disk.refuse("create")
    first, second = journal.append(note(0)), journal.append(note(1))
    assert [(await first).durable, (await second).durable] == [False, False]
    assert journal.degraded == "the journal is not durable: the disk was too slow"
    assert not (await journal.append(note(2))).durable
    assert not await journal.settled()
    gate.set()
    await until(lambda: journal.degraded is None)
    journal.append(note(3))
    await until(lambda: not journal.memory())
    assert notes(journal) == expected(4)
    await journal.close()
    assert files(journal.path) == [journal.path]


async def test_a_disk_that_is_always_too_slow_raises_one_alert_and_one_gap(
    tmp_path: Path, disk: TroubledDisk, caplog: pytest.LogCaptureFixture
) -> None:
    journal = await begin(tmp_path, disk, SHORT_MS)
    disk.refuse("create")
    gate = disk.hang_next_sync()
    await journal.append(note(0))
    for _ in range(3):
        before, gate = gate, disk.hang_next_sync()
        before.set()
        await until(disk.hanging.is_set)
        await until(lambda: journal.degraded is not None)
    gate.set()
    await until(lambda: journal.degraded is None and not journal.memory())
    found = events(journal.path)
    assert len(errors(found)) == 1
    assert len({(gap.from_ms, gap.reason) for gap in gaps(found)}) == 1
    assert gaps(found)[-1].to_ms is not None
    assert len([record for record in caplog.records if record.name == "verbatim.alert"]) == 1
    await journal.close()


async def test_a_disk_that_was_too_slow_again_is_not_believed_at_once(tmp_path: Path, disk: TroubledDisk) -> None:
    journal = await begin(tmp_path, disk, deadline_ms=300, retry_s=3600)
    disk.refuse("create")
    first = disk.hang_next_sync()
    await journal.append(note(0))
    second = disk.hang_next_sync()
    first.set()
    await until(lambda: len(gaps(events(journal.path, journal.memory()))) == 3)
    second.set()
    await until(lambda: not journal.memory())
    assert journal.degraded == "the journal is not durable: the disk was too slow"
    opened, closed, opened_again = gaps(events(journal.path))
    assert opened_again == opened
    assert closed.to_ms is not None
    await journal.close()


async def delete_directory(journal: Path) -> None:
    # Attempts at a successor may come and go in it meanwhile.
    await asyncio.to_thread(shutil.rmtree, journal.parent, ignore_errors=True)
    assert not journal.exists()


async def rename_directory(journal: Path) -> None:
    journal.parent.rename(journal.parent.with_name("renamed"))


async def replace_file(journal: Path) -> None:
    journal.unlink()
    journal.write_text("something else\n")
    journal.rename(journal.with_suffix(".txt"))


@pytest.mark.parametrize("vanish", [delete_directory, rename_directory, replace_file])
async def test_a_journal_whose_file_is_gone_is_written_again_from_the_first_line(
    journal: Journal, vanish: type[asyncio.Task[None]]
) -> None:
    for number in range(50):
        await journal.append(note(number))
    await vanish(journal.path)
    assert not (await journal.append(note(50))).durable
    await until(lambda: journal.degraded is None)
    assert (await journal.append(note(51))).durable
    assert notes(journal) == expected(52)
    assert gaps(events(journal.path))[0].reason == "not durable: the file was removed or replaced"


async def test_a_journal_that_is_gone_twice_and_broken_in_between_is_still_whole(
    journal: Journal, disk: TroubledDisk
) -> None:
    await journal.append(note(0))
    disk.refuse("write", number=errno.ENOSPC)
    await journal.append(note(1))
    await delete_directory(journal.path)
    await journal.append(note(2))
    disk.allow()
    await until(lambda: journal.degraded is None)
    assert (await journal.append(note(3))).durable
    await delete_directory(journal.path)
    await journal.append(note(4))
    await until(lambda: journal.degraded is None)
    assert (await journal.append(note(5))).durable
    assert notes(journal) == expected(6)


async def test_a_first_file_that_is_gone_while_a_successor_is_written_is_written_again(
    journal: Journal, disk: TroubledDisk
) -> None:
    await journal.append(note(0))
    disk.refuse("sync")
    await journal.append(note(1))
    disk.allow()
    await until(lambda: journal.degraded is None)
    await journal.settled()
    journal.path.unlink()
    await journal.append(note(2))
    await until(lambda: journal.degraded is None)
    assert (await journal.append(note(3))).durable
    assert notes(journal) == expected(4)


async def test_what_has_no_disk_is_in_memory(journal: Journal, disk: TroubledDisk) -> None:
    await journal.append(note(0))
    disk.refuse("create", "write", "sync", "sync_directory", number=errno.EROFS)
    for number in range(1, 4):
        assert not (await journal.append(note(number))).durable
    await journal.close()
    assert texts(events(journal.path, journal.memory())) == expected(4)
    assert not (await journal.append(note(4))).durable


async def test_all_of_a_journal_that_is_gone_and_has_no_disk_is_in_memory(journal: Journal, disk: TroubledDisk) -> None:
    for number in range(3):
        await journal.append(note(number))
    disk.refuse("create", number=errno.EROFS)
    await delete_directory(journal.path)
    await journal.append(note(3))
    await until(lambda: disk.attempts["create"] > 3)
    assert files(journal.path) == []
    assert texts(events(journal.path, journal.memory())) == expected(4)
    await journal.close()
    assert texts(events(journal.path, journal.memory())) == expected(4)


async def test_closing_a_degraded_journal_tries_once_more(tmp_path: Path, disk: TroubledDisk) -> None:
    journal = await begin(tmp_path, disk, retry_s=3600)
    disk.refuse("sync")
    await journal.append(note(0))
    await until(lambda: disk.attempts["sync"] == 2)
    disk.allow()
    await until(lambda: journal._files._attempt is None)
    await journal.close()
    assert journal.memory() == b""
    assert texts(events(journal.path)) == expected(1)
    with held(journal.path):
        pass


@pytest.mark.parametrize("vanishes", [False, True], ids=["sync fails", "directory gone"])
async def test_what_fails_while_closing_goes_into_another_file(
    tmp_path: Path, disk: TroubledDisk, vanishes: bool
) -> None:
    journal = await begin(tmp_path, disk, retry_s=3600)
    await journal.append(note(0))
    gate = disk.hang_next_sync()
    journal.append(note(1))
    assert await asyncio.to_thread(disk.hanging.wait, 20)
    disk.refuse_next("sync") if not vanishes else await delete_directory(journal.path)
    closing = asyncio.create_task(journal.close())
    gate.set()
    await closing
    assert journal.memory() == b""
    assert texts(events(journal.path)) == expected(2)


async def test_closing_is_bounded_while_the_disk_hangs(
    tmp_path: Path, disk: TroubledDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "CLOSE_DEADLINE_S", 0.05)
    journal = await begin(tmp_path, disk, SHORT_MS)
    gate = disk.hang_next_sync()
    disk.refuse("create")
    answer = journal.append(note(0))
    assert await asyncio.to_thread(disk.hanging.wait, 20)
    await journal.close()
    assert not answer.result().durable
    assert texts(events(journal.path, journal.memory())) == expected(1)
    gate.set()


async def test_the_files_of_a_journal_are_in_use_until_it_is_closed(journal: Journal, disk: TroubledDisk) -> None:
    disk.refuse("sync")
    await journal.append(note(0))
    disk.allow()
    await until(lambda: journal.degraded is None)
    await journal.settled()
    assert len(files(journal.path)) == 2
    for path in files(journal.path):
        with pytest.raises(JournalInUse), held(path):
            pass
    await journal.close()
    for path in files(journal.path):
        with held(path):
            pass


@pytest.mark.parametrize("seed", range(12))
async def test_no_order_of_faults_loses_what_was_accepted(tmp_path: Path, disk: TroubledDisk, seed: int) -> None:
    chance = random.Random(seed)
    journal = await begin(tmp_path / "journals", disk, SHORT_MS, retry_s=0.001)
    gates = []
    answers = []
    for _ in range(200):
        match chance.randrange(16):
            case 0:
                disk.refuse(chance.choice(["create", "write", "sync", "sync_directory", "unlink"]))
            case 1 | 2 | 3:
                disk.allow()
            case 4:
                gates.append(disk.hang_next_sync())
            case 5:
                for gate in gates:
                    gate.set()
            case 6:
                shutil.rmtree(journal.path.parent, ignore_errors=True)
            case 7 | 8 | 9:
                await answers[-1] if answers else None
            case 10:
                await asyncio.sleep(0)
            case _:
                answers.append(journal.append(note(len(answers))))
    await asyncio.gather(*answers)
    disk.allow()
    for gate in gates:
        gate.set()
    answers.append(journal.append(note(len(answers))))
    await until(lambda: journal.degraded is None and not journal.memory())
    await journal.close()
    assert texts(events(journal.path)) == expected(len(answers))
    assert disk.touched_after_failure == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "small"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "verbatim-test", str(path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs a mount: the container does not permit it")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.needs("linux", "root")
async def test_a_disk_that_is_really_full_keeps_what_it_accepted_and_takes_the_rest_later(small_disk: Path) -> None:
    hog = small_disk / "hog"
    hog.write_bytes(bytes(200_000))
    journal = await begin(small_disk / "journals", Disk())
    accepted = []
    while (answer := await journal.append(Note(text="x" * 500))).durable:
        accepted.append(answer.seq)
    assert accepted
    assert "No space left on device" in (journal.degraded or "")
    assert len(read(journal.path).records) > accepted[-1]
    for _ in range(100):
        assert not (await journal.append(Note(text="y" * 500))).durable
    assert len(texts(events(journal.path, journal.memory()))) == len(accepted) + 101
    hog.unlink()
    await until(lambda: journal.degraded is None)
    assert (await journal.append(Note(text="z"))).durable
    await journal.close()
    assert len(texts(events(journal.path))) == len(accepted) + 102
