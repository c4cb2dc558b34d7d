"""A worker finishes what dead jobs left, says each trouble once, and knows when journals cannot be written."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.storage.disks import full
from tests.storage.left import PREFIX, call, left
from tests.storage.recovery.lost_node import FarDirectory, PresentAgents, Watcher, lease_key, shipped
from worker.storage.disk import Disk
from worker.storage.errors import StorageUnavailable
from worker.storage.journal import probe
from worker.storage.recovery.keeper import JournalKeeper
from worker.storage.recovery.other_nodes import LEASE_AGE_S, OtherNodes
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store, StoredObject
from worker.transcript.render import FORMATS

PATIENCE_S = 20.0
MANIFEST = f"{PREFIX}/RM_1-verbatim/manifest.json"


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    return tmp_path / "journals"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return DirectoryStore(tmp_path / "transcripts")


def keeper(journals: Path, store: Store, disk: Disk | None = None, seconds: float = 0.01) -> JournalKeeper:
    return JournalKeeper(journals, store, FORMATS, seconds, disk)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def alerts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records if record.name == "verbatim.alert"]


async def test_journals_are_finalised_at_once_and_whenever_a_job_dies_later(journals: Path, store: Store) -> None:
    first = left(journals, call(1))
    running = asyncio.create_task(keeper(journals, store).run())
    try:
        await until(lambda: not first.exists())
        second = left(journals, call(2), name="AJ_2")
        await until(lambda: not second.exists())
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert b"words 2" in (await store.get(f"{PREFIX}/RM_1-verbatim/transcript.txt") or b"")


async def test_a_trouble_is_logged_once_in_one_sentence(
    journals: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    left(journals, b"{}\n")
    left(journals, call(1, "RM_2"), session="RM_2")
    here = keeper(journals, store)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await here.sweep()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    error, stored = caplog.records
    assert error.getMessage().startswith(f"{journals}/RM_1-verbatim/AJ_1.jsonl, line 1: ")
    assert stored.__dict__["transcript"] == "RM_2-verbatim"


async def test_a_store_that_refuses_is_complained_of_once_and_tried_each_time(
    journals: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = full()
    disk.failing = True
    path = left(journals, call())
    here = keeper(journals, DirectoryStore(tmp_path / "transcripts", disk))
    for _ in range(3):
        await here.sweep()
    (record,) = caplog.records
    assert "No space left on device" in record.getMessage()
    disk.failing = False
    await here.sweep()
    assert not path.exists()


async def test_a_journal_that_was_left_for_good_is_not_read_again_until_it_changes(
    journals: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    lines = call()
    journal = left(journals, [lines[0], lines[1].replace(b"words", b"werds")])
    here = keeper(journals, store)
    await here.sweep()
    assert journal in reads
    reads.clear()
    await here.sweep()
    assert reads == []
    journal.write_bytes(b"".join(lines))
    await here.sweep()
    assert not journal.exists()
    assert b'"complete": true' in (await store.get(MANIFEST) or b"")


async def test_a_defect_in_a_sweep_does_not_end_the_keeper(
    journals: Path, store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def defective(*_: object, **__: object) -> None:
        raise RuntimeError("the words of a caller")

    monkeypatch.setattr("worker.storage.recovery.keeper.recover", defective)
    await keeper(journals, store).sweep()
    assert [record.getMessage() for record in caplog.records] == [f"{journals} cannot be swept (RuntimeError)"]


async def test_a_directory_that_cannot_be_written_is_told_and_alerted_until_it_can(
    journals: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    disk = full()
    disk.failing = True
    here = keeper(journals, store, disk)
    assert here.trouble is None
    await here.watch()
    await here.watch()
    assert here.trouble == (
        f"{journals} cannot hold journals (No space left on device): "
        "give storage.journal_dir a directory that this user may write"
    )
    assert alerts(caplog) == ["ERROR"]
    disk.failing = False
    await here.watch()
    await here.watch()
    assert here.trouble is None
    assert alerts(caplog) == ["ERROR", "WARNING"]


async def test_a_defect_in_the_probe_is_a_trouble_too(
    journals: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(probe, "probe", defective)
    here = keeper(journals, store)
    await here.watch()
    assert here.trouble == f"{journals} cannot be tried (RuntimeError): start the worker again"


class HangingDisk(Disk):
    """Its writes wait until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.writing = 0

    def write(self, descriptor: int, data: bytes) -> None:
        self.writing += 1
        assert self.gate.wait(30)
        super().write(descriptor, data)


async def test_a_disk_that_hangs_keeps_one_thread_waiting_and_no_sweep(
    journals: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "DEADLINE_S", 0.05)
    disk = HangingDisk()
    path = left(journals, call())
    here = keeper(journals, store, disk)
    running = asyncio.create_task(here.run())
    try:
        await until(lambda: here.trouble is not None and not path.exists())
        for _ in range(3):
            await here.watch()
        assert disk.writing == 1
        disk.gate.set()
        await until(lambda: here.trouble is None)
    finally:
        disk.gate.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class AwayStore(DirectoryStore):
    """A store that takes nothing until it is back."""

    away = True
    tries = 0

    async def put(self, key: str, content: bytes) -> None:
        if self.away:
            self.tries += 1
            raise StorageUnavailable("s3://calls cannot be written to (no connection): it is tried again")
        await super().put(key, content)


async def test_a_store_that_is_away_is_alerted_once_and_what_waited_is_stored_when_it_is_back(
    journals: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [left(journals, call(1, f"RM_{number}"), session=f"RM_{number}") for number in range(1, 4)]
    store = AwayStore(tmp_path / "transcripts")
    here = keeper(journals, store)
    for _ in range(3):
        await here.sweep()
    assert here.store_trouble == "s3://calls cannot be written to (no connection): it is tried again"
    assert here.trouble is None
    (record,) = caplog.records
    assert (record.name, record.__dict__["alert"]) == ("verbatim.alert", "store_unavailable")
    assert record.getMessage().endswith(f"; 3 journals wait in {journals}")
    store.away = False
    await here.sweep()
    assert (here.store_trouble, any(path.exists() for path in paths)) == (None, False)
    assert alerts(caplog) == ["ERROR", "WARNING"]


async def test_a_store_that_stays_away_is_asked_ever_more_seldom(
    journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(journals, call())
    store = AwayStore(tmp_path / "transcripts")
    here = keeper(journals, store, seconds=60)
    slept: list[float] = []
    back_after = 14

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        store.away = len(slept) < back_after
        if len(slept) > back_after:
            raise asyncio.CancelledError

    monkeypatch.setattr("worker.storage.recovery.keeper.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await here._sweeping()
    assert store.tries == 2 * back_after
    assert all(low <= pause <= high for pause, low, high in zip(slept, (30, 60, 120), (60, 120, 240), strict=False))
    assert all(150 <= pause <= 300 for pause in slept[3:-1])
    assert len(set(slept[3:-1])) > 5
    assert 60 <= slept[-1] <= 72


async def test_journals_beyond_the_mark_are_alerted_and_beyond_the_limit_no_calls_are_taken(
    journals: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    here = JournalKeeper(journals, store, FORMATS, 60, spool_max=10_000_000)
    await here.watch()
    assert (here.spool.journals, here.trouble) == (0, None)
    first = left(journals, b"x" * 8_000_000)
    await here.watch()
    assert here.trouble is None
    second = left(journals, b"x" * 3_000_000, name="AJ_1.1")
    for _ in range(2):
        await here.watch()
    assert here.trouble is not None
    assert here.trouble.startswith(f"{journals} holds 1 journal, 11.0 of 10 MB, the oldest at rest for ")
    assert here.trouble.endswith("or make storage.spool_max_mb larger where the disk has room")
    assert first.exists() and second.exists()
    second.unlink()
    await here.watch()
    assert here.trouble is None
    first.unlink()
    await here.watch()
    told = [(record.__dict__["alert"], record.levelname) for record in caplog.records]
    assert told == [
        ("spool_nearly_full", "ERROR"),
        ("spool_full", "ERROR"),
        ("spool_full", "WARNING"),
        ("spool_nearly_full", "WARNING"),
    ]


async def test_what_another_node_left_is_finished_beside_what_is_here(
    journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OtherNodes.sweep, "__kwdefaults__", {"dry_run": False, "age_s": 0.0})
    store = FarDirectory(tmp_path / "transcripts")
    await shipped(store)
    here = left(journals, call(1, "RM_2"), session="RM_2")
    keeping = JournalKeeper(journals, store, FORMATS, 0.01, rooms=PresentAgents())
    running = asyncio.create_task(keeping.run())
    try:
        await until(lambda: not here.exists() and (tmp_path / "transcripts" / MANIFEST).exists())
        async with asyncio.timeout(PATIENCE_S):
            while await store.list("open"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_livekit_that_does_not_answer_is_complained_of_once_an_outage(
    journals: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FarDirectory(tmp_path / "transcripts")
    here = keeper(journals, store)
    watcher = Watcher(store, journals)
    await shipped(store)
    await watcher.sweep()
    watcher.now += LEASE_AGE_S
    for sids in (None, None, {"RM_1"}, None):
        watcher.rooms.sids = sids
        await here.sweep_other_nodes(watcher)
    assert [record.getMessage() for record in caplog.records] == [
        "calls of other nodes are not finished (1): LiveKit cannot be reached"
    ] * 2
    assert here.store_trouble is None


async def test_a_lease_that_is_none_and_a_call_that_is_finished_are_logged_once(
    journals: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FarDirectory(tmp_path / "transcripts")
    here = keeper(journals, store)
    watcher = Watcher(store, journals)
    await shipped(store)
    await store.put(lease_key("RM_2"), b"garbage")
    for _ in range(3):
        await here.sweep_other_nodes(watcher)
        watcher.now += LEASE_AGE_S
    finished, garbage = sorted(record.getMessage() for record in caplog.records)
    assert finished == "a call whose node is lost was finished: it is stored as far as its node had sent it"
    assert garbage.startswith(f"the lease {lease_key('RM_2')} is not followed (it cannot be read): ")


async def test_leases_that_cannot_be_listed_are_complained_of_once_and_keep_nothing_else_from_being_stored(
    journals: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Unlisted(FarDirectory):
        async def objects(self, prefix: str = "") -> Sequence[StoredObject]:
            if prefix == "open":
                raise StorageUnavailable("the store cannot be listed")
            return await super().objects(prefix)

    store = Unlisted(tmp_path / "transcripts")
    here = keeper(journals, store)
    for _ in range(2):
        await here.sweep_other_nodes(Watcher(store, journals))
    assert [record.getMessage() for record in caplog.records] == [
        "what other nodes left is not looked for: the store cannot be listed"
    ]
    path = left(journals, call())
    await here.sweep()
    assert not path.exists()


async def test_nodes_that_were_started_together_do_not_look_together(
    journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 20:
            raise asyncio.CancelledError

    monkeypatch.setattr("worker.storage.recovery.keeper.asyncio.sleep", sleep)
    store = FarDirectory(tmp_path / "transcripts")
    with pytest.raises(asyncio.CancelledError):
        await keeper(journals, store, seconds=60)._sweeping_other_nodes(Watcher(store, journals))
    assert all(60 <= pause <= 72 for pause in slept)
    assert len(set(slept)) == 20
