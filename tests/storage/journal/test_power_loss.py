"""Whatever state a loss of power leaves, what was accepted is read from it, and never anything else."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.storage.journal.crash_states import Content, CrashDisk, around_line_ends, every_byte, materialised, states
from tests.storage.reading import files, until
from tests.transcript.journals import started
from worker.storage.disk import Disk
from worker.storage.journal.journal import Journal
from worker.storage.names import journal_path
from worker.storage.stores.directory import DirectoryStore
from worker.storage.storing.finalise import finalise, publish
from worker.transcript.events import Event, Note, PartEnded, SttClosed, UserFinal
from worker.transcript.joining import join_files
from worker.transcript.render import formats

TRANSCRIPT, JOB = "RM_1-verbatim", "AJ_1"
JOURNAL = journal_path(Path("journals"), TRANSCRIPT, JOB)
PREFIX = "2026/11/21/support/RM_1-verbatim"
FORMATS = formats(("json", "txt"), caption_line_length=32)


@pytest.fixture
def state() -> Iterator[Path]:
    """Where a state is made real: in memory where the system has such a place, for there are many."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Path(directory) / "state"


async def begin(disk: CrashDisk, deadline_ms: int = 10_000) -> Journal:
    return await Journal.create(
        disk.base / "journals", TRANSCRIPT, JOB, disk=disk, append_deadline_ms=deadline_ms, retry_s=0.005
    )


async def append(journal: Journal, disk: CrashDisk, *events: Event) -> None:
    """Append all at once, and note each acceptance at its moment."""
    answers = [journal.append(event) for event in events]
    for answer in answers:
        accepted = await answer
        if accepted.durable:
            disk.accepted(accepted.seq)


def notes(*numbers: int) -> list[Note]:
    return [Note(text=f"note {number}") for number in numbers]


async def one_after_the_other(disk: CrashDisk) -> None:
    journal = await begin(disk)
    for each in notes(0, 1, 2):
        await append(journal, disk, each)
    await journal.close()


async def several_with_one_sync(disk: CrashDisk) -> None:
    journal = await begin(disk)
    await append(journal, disk, *notes(0))
    await append(journal, disk, *notes(1, 2, 3, 4))
    await append(journal, disk, *notes(5, 6))
    await journal.close()


async def a_successor_after_a_failed_sync(disk: CrashDisk) -> None:
    journal = await begin(disk)
    await append(journal, disk, *notes(0))
    disk.refuse("sync")
    await append(journal, disk, *notes(1, 2))
    disk.allow()
    await until(lambda: journal.degraded is None)
    await append(journal, disk, *notes(3))
    await append(journal, disk, *notes(4))
    await journal.close()


async def a_full_disk_and_attempts_that_fail_at_each_step(disk: CrashDisk) -> None:
    journal = await begin(disk)
    await append(journal, disk, *notes(0))
    disk.refuse("write", "create")
    await append(journal, disk, *notes(1))
    for operation in ("create", "sync_directory", "write", "sync"):
        disk.allow()
        disk.refuse(operation)
        tried = disk.attempts[operation]
        await until(lambda: disk.attempts[operation] > tried or not journal.degraded)  # noqa: B023
    disk.allow()
    await until(lambda: journal.degraded is None)
    await append(journal, disk, *notes(2))
    await append(journal, disk, *notes(3))
    await journal.close()


async def a_sync_that_hangs_and_comes_back_late(disk: CrashDisk) -> None:
    journal = await begin(disk, deadline_ms=100)
    await append(journal, disk, *notes(0))
    gate = disk.hang_next_sync()
    await append(journal, disk, *notes(1))
    await until(lambda: journal.degraded is None)
    gate.set()
    await until(lambda: disk.quiet)
    await append(journal, disk, *notes(2))
    await append(journal, disk, *notes(3))
    await journal.close()


SCENARIOS = [
    one_after_the_other,
    several_with_one_sync,
    a_successor_after_a_failed_sync,
    a_full_disk_and_attempts_that_fail_at_each_step,
    a_sync_that_hangs_and_comes_back_late,
]


def joined(directory: Path) -> list[bytes]:
    whole, _ = join_files([path.read_bytes() for path in files(directory / JOURNAL)])
    return whole.splitlines(keepends=True)


async def enumerate_states(
    tmp_path: Path,
    state: Path,
    scenario: Callable[[CrashDisk], Awaitable[None]],
    cuts: Callable[[bytes], Iterable[int]],
) -> int:
    disk = CrashDisk(tmp_path / "run")
    disk.base.mkdir()
    await scenario(disk)
    written = joined(disk.base)
    found = states(disk.steps, cuts)
    for content, accepted in found.items():
        with materialised(content, state) as directory:
            lines = joined(directory)
        assert len(lines) >= accepted, content
        assert lines == written[: len(lines)], content
    assert max(found.values()) > 0
    return len(found)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_what_was_accepted_is_read_from_every_state_that_a_loss_of_power_leaves(
    tmp_path: Path, state: Path, scenario: Callable[[CrashDisk], Awaitable[None]]
) -> None:
    await enumerate_states(tmp_path, state, scenario, around_line_ends)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_what_was_accepted_is_read_from_every_state_torn_at_every_byte(
    tmp_path: Path,
    state: Path,
    scenario: Callable[[CrashDisk], Awaitable[None]],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("states", await enumerate_states(tmp_path, state, scenario, every_byte))


CALL: list[Event] = [
    started(),
    UserFinal(participant="caller", text="hello", stream="S1", turn_order=0),
    PartEnded(reason="caller_left"),
]
BILLED = SttClosed(stream="S1", billed_seconds=4.5)


async def a_call_is_published_and_finalised(disk: CrashDisk) -> None:
    store = DirectoryStore(disk.base / "store", disk)
    journal = await begin(disk)
    await append(journal, disk, *CALL)
    await publish([journal.path], store, FORMATS)
    await append(journal, disk, BILLED)
    await journal.close()
    await finalise([journal.path], store, FORMATS, disk)


def put_at(disk: CrashDisk) -> dict[str, set[bytes]]:
    """Every content that a stored file was ever given, by path."""
    contents: dict[int, bytes] = {}
    number_at: dict[str, int] = {}
    put: dict[str, set[bytes]] = {}
    for step in disk.steps:
        match step.kind:
            case "create":
                number_at[str(step.target)] = step.detail
            case "write":
                contents[step.target] = contents.get(step.target, b"") + step.detail
            case "rename":
                put.setdefault(str(step.detail), set()).add(contents[number_at[str(step.target)]])
    return put


def stored(content: Content) -> dict[str, bytes]:
    return {name: data for name, data in content if name.startswith("store/")}


def vouched_events(files: dict[str, bytes]) -> int:
    """How many events a final manifest names whose files are all there as it says."""
    manifest = json.loads(files.get(f"store/{PREFIX}/manifest.json", b'{"files": {}, "parts": []}'))
    for name, described in manifest["files"].items():
        data = files.get(f"store/{PREFIX}/{name}", b"")
        if (len(data), sha256(data).hexdigest()) != (described["size"], described["sha256"]):
            return 0
    return sum(part["events"] for part in manifest["parts"])


class UnsyncedDisk(Disk):
    """Leaves out what only a loss of power would tell."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        pass


async def enumerate_stores(tmp_path: Path, state: Path, cuts: Callable[[bytes], Iterable[int]]) -> int:
    disk = CrashDisk(tmp_path / "run")
    disk.base.mkdir()
    await a_call_is_published_and_finalised(disk)
    put = put_at(disk)
    whole = {name: (disk.base / name).read_bytes() for name in put}
    found = states(disk.steps, cuts, lambda path: "#" not in path)
    for content, accepted in found.items():
        after = stored(content)
        for name, data in after.items():
            assert data in put[name], name
        with materialised(content, state) as directory:
            lines = joined(directory)
            assert max(len(lines), vouched_events(after)) >= accepted, content
            if lines:
                store = DirectoryStore(directory / "store", UnsyncedDisk())
                await finalise([directory / JOURNAL], store, FORMATS, UnsyncedDisk())
                after = {name: path.read_bytes() for name in put if (path := directory / name).exists()}
                assert vouched_events(after) >= max(len(lines), accepted), content
                assert after == whole or len(lines) < len(CALL) + 1, content
    return len(found)


async def test_a_stored_file_is_old_or_new_and_the_journal_goes_last_in_every_state(
    tmp_path: Path, state: Path
) -> None:
    await asyncio.wait_for(enumerate_stores(tmp_path, state, around_line_ends), 60)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_every_state_of_storing_torn_at_every_byte_is_finalised_to_the_same_bytes(
    tmp_path: Path, state: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("states", await enumerate_stores(tmp_path, state, every_byte))
