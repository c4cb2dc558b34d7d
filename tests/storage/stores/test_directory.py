"""A local store keeps what it confirmed, and says in one sentence why it cannot."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.disks import LateDisk, RecordingDisk, full
from worker.storage.errors import StorageUnwritable
from worker.storage.names import encode
from worker.storage.stores import directory as store_module
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store

DEADLINE_S = 20
HOSTILE = ["../../etc", "a/b", "%2e%2e", "\0", "", "é\u202e", "x" * 300, "#1", "a b"]


HANGS = """
import asyncio, sys, threading
from pathlib import Path
from worker.storage.stores import directory as module
from worker.storage.disk import Disk
from worker.storage.errors import StorageUnwritable

class Hanging(Disk):
    def put(self, *_):
        threading.Event().wait()

async def put_six():
    module.DEADLINE_S = 0.05
    store = module.DirectoryStore(Path(sys.argv[1]), Hanging())
    for _ in range(6):
        try:
            await store.put("a", b"")
        except StorageUnwritable as error:
            print("no answer" if "no answer" in str(error) else error)

asyncio.run(put_six())
"""


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return DirectoryStore(tmp_path / "transcripts")


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_from_outside_stay_inside(store: Store, tmp_path: Path, name: str) -> None:
    key = f"{encode(name)}/file"
    await store.put(key, b"1")
    assert await store.list() == [key]
    assert await store.get(key) == b"1"
    assert names_in(tmp_path) == ["transcripts"]
    assert store.address(key) == str(tmp_path / "transcripts" / key)


async def test_many_puts_of_one_key_at_once_leave_one_of_them_whole(store: Store, tmp_path: Path) -> None:
    contents = [bytes([number]) * 10_000 for number in range(20)]
    await asyncio.gather(*[store.put("a", content) for content in contents])
    assert await store.get("a") in contents
    assert names_in(tmp_path / "transcripts") == ["a"]


async def test_what_was_put_is_synced(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    await DirectoryStore(tmp_path, disk).put("a", b"1")
    assert disk.calls[-3:] == [("write", b"1"), ("sync", b""), ("sync_directory", tmp_path)]


async def test_a_put_that_was_given_up_never_lands_over_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = LateDisk()
    with monkeypatch.context() as short:
        short.setattr(store_module, "DEADLINE_S", 0.05)
        with pytest.raises(StorageUnwritable, match="no answer in"):
            await DirectoryStore(tmp_path, disk).put("a", b"older")
    await DirectoryStore(tmp_path).put("a", b"newer")
    disk.gate.set()
    assert await asyncio.to_thread(disk.put_over.wait, DEADLINE_S)
    assert await DirectoryStore(tmp_path).get("a") == b"newer"
    assert names_in(tmp_path) == ["a"]


async def test_a_put_that_was_cancelled_never_lands(tmp_path: Path) -> None:
    disk = LateDisk()
    putting = asyncio.create_task(DirectoryStore(tmp_path, disk).put("a", b"older"))
    assert await asyncio.to_thread(disk.syncing.wait, DEADLINE_S)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    disk.gate.set()
    assert await asyncio.to_thread(disk.put_over.wait, DEADLINE_S)
    assert names_in(tmp_path) == []


async def test_a_probe_does_not_look_at_what_is_stored(store: Store, tmp_path: Path) -> None:
    stored = tmp_path / "transcripts" / "2026"
    stored.mkdir(parents=True)
    (stored / "loop").symlink_to(stored)
    with pytest.raises(StorageUnwritable, match="cannot be listed"):
        await store.list()
    await store.probe()


async def test_a_probe_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    await asyncio.gather(*[store.probe() for _ in range(5)])
    assert names_in(tmp_path / "transcripts") == []


async def test_reading_a_store_that_was_never_written_makes_nothing(store: Store, tmp_path: Path) -> None:
    assert (await store.get("a"), await store.list(), await store.objects("a")) == (None, [], [])
    await store.tidy("a")
    assert names_in(tmp_path) == []


async def test_tidying_removes_what_puts_left_and_nothing_else(store: Store, tmp_path: Path) -> None:
    await store.put("a/b/one", b"1")
    await store.put("other/two", b"2")
    root = tmp_path / "transcripts"
    for left in ("a/b/one#123", "a/manifest.json#7", "other/two#5", "a/b/own#", "a/b/own#7x"):
        (root / left).write_bytes(b"half")
    await store.tidy("a")
    kept = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert kept == ["a/b/one", "a/b/own#", "a/b/own#7x", "other/two", "other/two#5"]


async def test_a_store_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = DirectoryStore(tmp_path / "file")
    with pytest.raises(StorageUnwritable) as raised:
        await store.probe()
    assert str(raised.value) == (
        f"{tmp_path}/file cannot be written (Not a directory): give storage.url a directory that this user may write"
    )
    assert (tmp_path / "file").read_text() == ""


async def test_a_full_disk_is_named(tmp_path: Path) -> None:
    disk = full()
    disk.failing = True
    with pytest.raises(StorageUnwritable, match=r"cannot be written \(No space left on device\)"):
        await DirectoryStore(tmp_path, disk).probe()


def test_a_disk_that_does_not_answer_keeps_no_process_from_ending(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS, str(tmp_path)], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.stdout == "no answer\n" * 6, done.stderr
    assert done.returncode == 0


async def test_operations_that_hang_are_not_heaped_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_AT_ONCE", 2)
    disk = LateDisk()
    store = DirectoryStore(tmp_path / "transcripts", disk)
    hanging = [asyncio.create_task(store.put(f"a/{number}", b"")) for number in range(2)]
    async with asyncio.timeout(DEADLINE_S):
        while len(store._working) < 2:  # noqa: ASYNC110  (a thread knows nothing of events)
            await asyncio.sleep(0.001)
        with pytest.raises(StorageUnwritable, match="no answer"):
            await store.put("a/2", b"")
        disk.gate.set()
        await asyncio.gather(*hanging)
        await store.put("a/2", b"")
    assert await store.list("a") == ["a/0", "a/1", "a/2"]
