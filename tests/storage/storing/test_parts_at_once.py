"""Parts of one session that are stored at the same moment become one transcript, and no journal goes too early."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
from fcntl import LOCK_EX
from pathlib import Path
from subprocess import PIPE
from threading import Event as Signal

import pytest

from tests.storage.disks import RecordingDisk
from tests.transcript.journals import BEGAN, lines, started
from worker.storage.disk import Disk
from worker.storage.errors import JournalInUse, JournalMissing, SessionInUse, StorageError, StoredDiffers
from worker.storage.journal import lock
from worker.storage.journal.lock import held, session_held
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise, publish
from worker.transcript.events import PartEnded, UserFinal
from worker.transcript.integrity import Manifest

PREFIX = "2026/11/21/support/RM_1-verbatim"
MANIFEST = f"{PREFIX}/manifest.json"
DEADLINE_S = 20


def part(journals: Path, number: int) -> Path:
    """Write the journal of a part in which one sentence was said."""
    said = UserFinal(participant="caller", text=f"words {number}", stream=f"S{number}", turn_order=0)
    written = lines(
        (0, started(number, f"AJ_{number}")),
        (500, said),
        (900, PartEnded(reason="caller_left")),
        began=BEGAN.replace(second=number),
    )
    path = journals / "RM_1-verbatim" / f"AJ_{number}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(written))
    return path


async def manifest(store: Store) -> Manifest:
    return Manifest.model_validate_json(await store.get(MANIFEST) or b"")


async def missing_words(store: Store, count: int) -> list[str]:
    text = (await store.get(f"{PREFIX}/transcript.txt") or b"").decode()
    return [f"words {number}" for number in range(1, count + 1) if f"words {number}" not in text]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Signal:
    """Set as soon as anyone asks for a lock that it would wait for."""
    waits, flock = Signal(), lock.flock

    def asked(descriptor: int, operation: int) -> None:
        if operation == LOCK_EX:
            waits.set()
        flock(descriptor, operation)

    monkeypatch.setattr(lock, "flock", asked)
    return waits


async def test_parts_finalised_at_once_in_one_process_become_one_transcript(store: Store, journals: Path) -> None:
    parts = [part(journals, number) for number in range(1, 9)]
    await asyncio.gather(*[finalise([path], store) for path in parts])
    assert [each.part for each in (await manifest(store)).parts] == list(range(1, 9))
    assert await missing_words(store, 8) == []
    assert (await manifest(store)).generation == 8
    assert list(journals.iterdir()) == []


async def test_a_part_published_while_another_is_finalised_keeps_its_words(store: Store, journals: Path) -> None:
    living, ended = part(journals, 1), part(journals, 2)
    await asyncio.gather(publish([living], store), finalise([ended], store))
    assert await missing_words(store, 2) == []
    assert (living.exists(), ended.exists()) == (True, False)


async def test_a_part_finalised_twice_at_once_is_stored_once(store: Store, journals: Path) -> None:
    path = part(journals, 1)
    outcomes = await asyncio.gather(*[finalise([path], store) for _ in range(4)], return_exceptions=True)
    assert len([each for each in outcomes if isinstance(each, JournalMissing)]) == 3
    assert await missing_words(store, 1) == []


FINALISES_WHEN_TOLD = """
import asyncio, sys
from pathlib import Path
from worker.storage.storing.finalise import finalise
from worker.storage.stores.directory import DirectoryStore

class FarStore(DirectoryStore):
    # Long enough on the way that two who read at once have both read before either writes.
    async def list(self, prefix=""):
        found = await super().list(prefix)
        await asyncio.sleep(0.5)
        return found

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(finalise([Path(sys.argv[2])], FarStore(Path(sys.argv[1]))))
"""


def test_parts_finalised_at_once_in_two_processes_become_one_transcript(store: Store, journals: Path) -> None:
    command = [sys.executable, "-c", FINALISES_WHEN_TOLD, store.address("")]
    both = [
        subprocess.Popen([*command, str(part(journals, number))], stdin=PIPE, stdout=PIPE, text=True)
        for number in (1, 2)
    ]
    try:
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.wait(DEADLINE_S) for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert [each.part for each in asyncio.run(manifest(store)).parts] == [1, 2]
    assert asyncio.run(missing_words(store, 2)) == []
    assert list(journals.iterdir()) == []


async def test_whoever_waits_too_long_for_the_session_is_told_and_its_journal_stays(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "SESSION_DEADLINE_S", 0.05)
    path = part(journals, 1)
    async with session_held(path.parent):
        for attempt in (finalise([path], store), publish([path], store)):
            with pytest.raises(SessionInUse, match="another part of the session is being stored"):
                await attempt
    assert path.exists()
    assert await store.list() == []


async def test_whoever_gave_up_waiting_does_not_keep_the_session(store: Store, journals: Path, waits: Signal) -> None:
    path = part(journals, 1)
    async with session_held(path.parent):
        waits.clear()
        waiting = asyncio.create_task(finalise([path], store))
        assert await asyncio.to_thread(waits.wait, DEADLINE_S)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.wait_for(finalise([path], store), DEADLINE_S)
    assert await missing_words(store, 1) == []


async def test_whoever_waited_for_a_directory_that_was_made_anew_holds_the_new_one(
    journals: Path, waits: Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = part(journals, 1).parent
    async with session_held(directory):
        waits.clear()
        second = session_held(directory)
        entering = asyncio.create_task(second.__aenter__())
        assert await asyncio.to_thread(waits.wait, DEADLINE_S)
        shutil.rmtree(directory)
        path = part(journals, 2)
    await asyncio.wait_for(entering, DEADLINE_S)
    monkeypatch.setattr(lock, "SESSION_DEADLINE_S", 0.05)
    with pytest.raises(SessionInUse):
        await session_held(path.parent).__aenter__()
    await second.__aexit__(None, None, None)


async def test_a_journal_is_not_held_while_its_finaliser_waits_for_the_session(
    store: Store, journals: Path, waits: Signal
) -> None:
    path = part(journals, 1)
    async with session_held(path.parent):
        waits.clear()
        waiting = asyncio.create_task(finalise([path], store))
        assert await asyncio.to_thread(waits.wait, DEADLINE_S)
        with held(path):
            pass
    await asyncio.wait_for(waiting, DEADLINE_S)


async def test_a_finaliser_that_is_cancelled_at_any_moment_keeps_no_lock(store: Store, journals: Path) -> None:
    for moment in range(0, 120, 3):
        path = part(journals, 1)
        finalising = asyncio.create_task(finalise([path], store))
        for _ in range(moment):
            await asyncio.sleep(0)
        finalising.cancel()
        await asyncio.gather(finalising, return_exceptions=True)
        async with asyncio.timeout(DEADLINE_S):
            while any([await busy(each) for each in (path, path.parent)]):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    with contextlib.suppress(JournalMissing):
        await finalise([path], store)
    assert await missing_words(store, 1) == []


async def busy(path: Path) -> bool:
    """Whether anyone holds a journal, or a session's directory. A thread that was left alone may, for a moment."""

    def busy() -> bool:
        try:
            with held(path):
                return False
        except JournalMissing:
            return False
        except JournalInUse:
            return True

    return await asyncio.to_thread(busy)


class OverwrittenStore(DirectoryStore):
    """Another node puts its manifest over each that is put here, or takes it away."""

    def __init__(self, root: Path, other: bytes | None, disk: Disk | None = None) -> None:
        super().__init__(root, disk)
        self.other = other

    async def put(self, key: str, content: bytes) -> None:
        await super().put(key, content if key != MANIFEST or self.other is None else self.other)
        if key == MANIFEST and self.other is None:
            await self.delete(key)


@pytest.mark.parametrize("other", ["another job", "fewer events", "nothing"])
async def test_a_journal_stays_while_the_manifest_does_not_vouch_for_it(
    tmp_path: Path, journals: Path, other: str
) -> None:
    path = part(journals, 1)
    data = path.read_bytes()
    stored = (await publish([path], DirectoryStore(tmp_path / "elsewhere"))).manifest
    (own,) = stored.parts
    changed = own.model_copy(update={"job": "AJ_9"} if other == "another job" else {"events": own.events - 1})
    content = None if other == "nothing" else stored.model_copy(update={"parts": (changed,)}).encode()
    disk = RecordingDisk()
    with pytest.raises(StoredDiffers, match=r"does not name all 3 events of job AJ_1: .* finalise it again"):
        await finalise([path], OverwrittenStore(tmp_path / "transcripts", content), disk=disk)
    assert path.read_bytes() == data
    assert disk.calls == []


async def test_a_session_whose_directory_is_gone_is_named(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "none" / "AJ_1.jsonl"
    for attempt in (finalise([path], store), publish([path], store)):
        with pytest.raises(JournalMissing, match="is not there: it was finalised already, or never written"):
            await attempt


async def test_a_session_directory_that_is_none_is_named_with_the_remedy(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be locked \(Not a directory\): check the disk"):
        await publish([tmp_path / "file" / "AJ_1.jsonl"], store)


async def test_journals_of_one_directory_spelled_in_two_ways_are_no_hindrance(store: Store, journals: Path) -> None:
    one, two = part(journals, 1), part(journals, 2)
    link = journals.with_name("link")
    link.symlink_to(journals)
    await asyncio.wait_for(finalise([one, link / two.relative_to(journals)], store), DEADLINE_S)
    assert await missing_words(store, 2) == []
