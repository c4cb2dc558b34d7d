"""What dead jobs left is finalised without a person, each session by itself, and nothing that lives is touched."""

import asyncio
import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.storage.disks import RecordingDisk, full
from tests.storage.left import PREFIX, call, everything_in, left
from worker.storage.errors import StorageUnavailable
from worker.storage.journal.lock import held
from worker.storage.recovery.sweep import Outcome, State, recover
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.transcript.integrity import Manifest
from worker.transcript.render import FORMATS as ALL

HOLDS = """
import fcntl, sys
file = open(sys.argv[1], "rb")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def job_alive(*files: Path) -> Iterator[None]:
    """Another process holds these files, as a job does that lives."""
    jobs = [subprocess.Popen([sys.executable, "-c", HOLDS, str(file)], stdin=PIPE, stdout=PIPE) for file in files]
    try:
        for job in jobs:
            assert job.stdout is not None and job.stdout.readline() == b"held\n"
        yield
    finally:
        for job in jobs:
            job.communicate()


def states(outcomes: "list[Outcome] | tuple[Outcome, ...]") -> dict[str, State]:
    return {f"{outcome.transcript_id} {outcome.job}": outcome.state for outcome in outcomes}


async def manifest(store: Store, session: str = "RM_1") -> Manifest:
    return Manifest.model_validate_json(await store.get(f"{PREFIX}/{session}-verbatim/manifest.json") or b"")


async def test_what_dead_jobs_left_is_final_afterwards_and_the_journals_are_gone(store: Store, journals: Path) -> None:
    left(journals, call(1, ends=False))
    left(journals, call(2), name="AJ_2")
    left(journals, call(1, "RM_2")[0], session="RM_2")
    outcomes = await recover(journals, store, ALL)
    assert states(list(outcomes)) == {
        "RM_1-verbatim AJ_1": State.FINALISED,
        "RM_1-verbatim AJ_2": State.FINALISED,
        "RM_2-verbatim AJ_1": State.FINALISED,
    }
    assert outcomes[0].address == store.address(f"{PREFIX}/RM_1-verbatim/manifest.json")
    first, second = await manifest(store), await manifest(store, "RM_2")
    assert ([part.events for part in first.parts], first.generation, first.complete) == ([2, 3], 1, False)
    assert (second.reason, second.complete) == ("crashed", False)
    assert list(journals.iterdir()) == []
    assert await recover(journals, store, ALL) == []


async def test_recovering_again_leaves_the_same_bytes(store: Store, journals: Path, tmp_path: Path) -> None:
    for attempt in range(2):
        left(journals, call(1, ends=False))
        left(journals, call(2), name="AJ_2")
        await recover(journals, store, ALL)
        if attempt == 0:
            first = everything_in(tmp_path / "transcripts")
    assert everything_in(tmp_path / "transcripts") == first


@pytest.mark.parametrize("file", ["AJ_1", "AJ_1.1"])
async def test_a_journal_whose_job_lives_is_left_alone(store: Store, journals: Path, file: str) -> None:
    living = left(journals, call(1, ends=False))
    left(journals, call(1, ends=False), name="AJ_1.1")
    left(journals, call(2), name="AJ_2")
    before = everything_in(living.parent)
    with job_alive(living.with_name(f"{file}.jsonl")):
        outcomes = await recover(journals, store, ALL)
        assert states(list(outcomes)) == {
            "RM_1-verbatim AJ_1": State.IN_USE,
            "RM_1-verbatim AJ_2": State.FINALISED,
        }
        assert "its job lives" in outcomes[0].reason
        assert [part.job for part in (await manifest(store)).parts] == ["AJ_2"]
        assert everything_in(living.parent) == {name: before[name] for name in ("AJ_1.jsonl", "AJ_1.1.jsonl")}
    assert states(list(await recover(journals, store, ALL))) == {"RM_1-verbatim AJ_1": State.FINALISED}
    assert [part.job for part in (await manifest(store)).parts] == ["AJ_1", "AJ_2"]


async def test_a_dry_run_tells_the_same_and_changes_nothing(store: Store, journals: Path, tmp_path: Path) -> None:
    left(journals, call(1, ends=False))
    left(journals, b"{}\n", session="RM_2")
    living = left(journals, call(), session="RM_3")
    (journals / "RM_9-verbatim").mkdir()
    os.utime(journals / "RM_9-verbatim", (0, 0))
    before = everything_in(tmp_path)
    with held(living):
        outcomes = await recover(journals, store, ALL, dry_run=True)
    assert [outcome.state for outcome in outcomes] == [State.WOULD_FINALISE, State.LEFT, State.IN_USE]
    assert everything_in(tmp_path) == before
    assert not (tmp_path / "transcripts").exists()
    assert (journals / "RM_9-verbatim").exists()


async def test_one_journal_that_cannot_be_finalised_stops_no_other(store: Store, journals: Path) -> None:
    covered = b'{"v":2,"seq":0,"at":"2026-11-21T10:00:00.000Z","ms":0,"kind":"note"'
    newer = covered + b',"h":"%s"}\n' % sha256(covered).hexdigest()[:16].encode()
    untouched = [left(journals, newer, name="AJ_0"), left(journals, b"{}\n", name="AJ_3")]
    before = [path.read_bytes() for path in untouched]
    left(journals, call(1))
    foreign = left(journals, call(1, "RM_7"), name="AJ_7")
    outcomes = {outcome.job: outcome for outcome in await recover(journals, store, ALL)}
    assert [outcomes[job].state for job in ("AJ_0", "AJ_1", "AJ_3", "AJ_7")] == [
        State.LEFT, State.FINALISED, State.LEFT, State.FINALISED,
    ]  # fmt: skip
    assert "format version is 2, this program reads up to 1" in outcomes["AJ_0"].reason
    assert f"{untouched[1]}, line 1: 3 bytes that do not end in a chain link" in outcomes["AJ_3"].reason
    assert outcomes["AJ_0"].lasting and outcomes["AJ_3"].lasting
    assert [path.read_bytes() for path in untouched] == before
    assert not foreign.exists()
    assert (await manifest(store, "RM_7")).parts[0].events == 3


async def test_a_damaged_journal_is_stored_as_far_as_it_can_be_trusted_and_the_rest_stays(
    store: Store, journals: Path
) -> None:
    lines = call()
    path = left(journals, [lines[0], lines[1], lines[2].replace(b"caller_left", b"nobody_left")])
    (outcome,) = await recover(journals, store, ALL)
    assert (outcome.state, outcome.lasting) == (State.LEFT, True)
    assert f"{path}, line 3: chain link is" in outcome.reason
    assert (await manifest(store)).parts[0].events == 2
    assert path.exists()
    disk = RecordingDisk()
    (again,) = await recover(journals, DirectoryStore(Path(store.address("")), disk), ALL, disk=disk)
    assert again == outcome
    assert disk.calls == []


async def test_damage_that_the_store_makes_good_is_none(store: Store, journals: Path) -> None:
    lines = call()
    left(journals, lines[:2])
    await recover(journals, store, ALL)
    path = left(journals, [lines[0], lines[1].replace(b"words", b"werds"), lines[2]])
    (outcome,) = await recover(journals, store, ALL)
    assert outcome.state is State.FINALISED
    assert not path.exists()
    stored = await manifest(store)
    assert ([part.events for part in stored.parts], stored.complete) == ([3], True)


@pytest.mark.parametrize("name", ["AJ_1-of-yesterday", "AJ_1_of_yesterday"])
@pytest.mark.parametrize("damaged", [False, True])
async def test_an_older_copy_of_a_journal_beside_it_takes_nothing_away(
    store: Store, journals: Path, name: str, damaged: bool
) -> None:
    lines = call()
    left(journals, [lines[0], lines[1].replace(b"words", b"werds"), lines[2]] if damaged else lines)
    left(journals, lines[:2], name=name)
    for outcome in await recover(journals, store, ALL):
        assert outcome.state is State.FINALISED
    (part,) = (await manifest(store)).parts
    assert (part.job, part.events) == ("AJ_1", 3)
    assert list(journals.iterdir()) == []


async def test_two_journals_that_tell_one_part_differently_are_not_mixed_and_one_stays(
    store: Store, journals: Path
) -> None:
    lines = call()
    paths = [left(journals, lines), left(journals, call(3), name="AJ_3")]
    other = lines[:1] + call(ends=False, words="other words")[1:]
    paths.append(left(journals, other, name="AJ_1-other"))
    outcomes = {outcome.job: outcome for outcome in await recover(journals, store, ALL)}
    assert sorted(outcome.state.name for outcome in outcomes.values()) == ["FINALISED", "FINALISED", "LEFT"]
    (stays,) = [path for path in paths if path.exists()]
    assert "holds other lines of job AJ_1" in outcomes[stays.stem].reason
    text = await store.get(f"{PREFIX}/RM_1-verbatim/transcript.txt") or b""
    assert (b"other words" in text) != (b"words 1" in text)


async def test_what_others_put_beside_a_parts_lines_is_passed_over(
    store: Store, journals: Path, tmp_path: Path
) -> None:
    left(journals, call(1))
    await recover(journals, store, ALL)
    parts = tmp_path / "transcripts" / PREFIX / "RM_1-verbatim/parts"
    (parts / ".DS_Store").write_bytes(b"\0")
    (parts / "AJ_1" / "notes.txt").write_text("listened to it")
    left(journals, call(2), name="AJ_2")
    (outcome,) = await recover(journals, store, ALL)
    assert outcome.state is State.FINALISED
    stored = await manifest(store)
    assert [part.events for part in stored.parts] == [3, 3]
    assert not {"parts/.DS_Store", "parts/AJ_1/notes.txt"} & stored.files.keys()


async def test_lines_in_the_store_that_are_none_are_named_and_the_journal_is_tried_again(
    store: Store, journals: Path
) -> None:
    wrong = f"{PREFIX}/RM_1-verbatim/parts/AJ_9/000001.jsonl"
    await store.put(wrong, b"\0")
    left(journals, call())
    (outcome,) = await recover(journals, store, ALL)
    assert (outcome.state, outcome.lasting) == (State.LEFT, False)
    assert wrong in outcome.reason
    await store.delete(wrong)
    (outcome,) = await recover(journals, store, ALL)
    assert outcome.state is State.FINALISED


async def test_a_disk_that_does_not_give_a_journal_is_tried_again_later(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(journals, call())

    def failing(path: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_bytes", failing)
        (outcome,) = await recover(journals, store, ALL)
    assert (outcome.state, outcome.lasting) == (State.LEFT, False)
    assert "cannot be read (Input/output error)" in outcome.reason
    (outcome,) = await recover(journals, store, ALL)
    assert outcome.state is State.FINALISED


async def test_a_store_that_refuses_is_tried_again_later(store: Store, journals: Path, tmp_path: Path) -> None:
    disk = full()
    disk.failing = True
    path = left(journals, call())
    (outcome,) = await recover(journals, DirectoryStore(tmp_path / "transcripts", disk), ALL)
    assert (outcome.state, outcome.lasting) == (State.WAITING, False)
    assert "No space left on device" in outcome.reason
    assert path.exists()
    (outcome,) = await recover(journals, store, ALL)
    assert outcome.state is State.FINALISED


async def test_two_recoveries_at_once_finalise_everything_once(store: Store, journals: Path) -> None:
    for number in range(1, 5):
        left(journals, call(number, f"RM_{number}"), session=f"RM_{number}", name=f"AJ_{number}")
    both = await asyncio.gather(*[recover(journals, store, ALL) for _ in range(2)])
    assert not [outcome for outcomes in both for outcome in outcomes if outcome.state is State.LEFT]
    for number in range(1, 5):
        assert (await manifest(store, f"RM_{number}")).generation == 1
    assert list(journals.iterdir()) == []


async def test_what_a_crash_left_beside_the_journals_goes_once_it_is_old(store: Store, journals: Path) -> None:
    journals.mkdir()
    old = time.time() - 4000
    for name in ("RM_1-verbatim", "lost+found", "mine"):
        (journals / name).mkdir()
    for name in ("probe-0123456789abcdef", "probe-of-mine"):
        (journals / name).write_text("")
    for path in journals.iterdir():
        os.utime(path, (old, old))
    (journals / "RM_2-verbatim").mkdir()
    (journals / "probe-fedcba9876543210").write_text("")
    assert await recover(journals, store, ALL) == []
    assert sorted(path.name for path in journals.iterdir()) == [
        "RM_2-verbatim", "lost+found", "mine", "probe-fedcba9876543210", "probe-of-mine",
    ]  # fmt: skip


async def test_an_empty_journal_goes_and_nothing_is_stored(store: Store, journals: Path, tmp_path: Path) -> None:
    left(journals, b"")
    left(journals, b'{"v":1', name="AJ_1.1")
    (outcome,) = await recover(journals, store, ALL)
    assert (outcome.state, outcome.address) == (State.FINALISED, "")
    assert "nothing was accepted" in outcome.reason
    assert not (tmp_path / "transcripts").exists()


async def test_without_a_journal_directory_there_is_nothing_to_do(store: Store, journals: Path) -> None:
    assert await recover(journals, store, ALL) == []
    assert not journals.exists()


class TroubledStore(DirectoryStore):
    """Takes nothing of the sessions that it is told to refuse, or nothing at all; counts what it is asked."""

    def __init__(self, root: Path, *refused: str) -> None:
        super().__init__(root)
        self.refused = refused
        self.asked = 0

    async def put(self, key: str, content: bytes) -> None:
        self.asked += 1
        if any(each in key for each in self.refused):
            raise StorageUnavailable("the store cannot be written to (no connection): it is tried again")
        await super().put(key, content)


async def test_where_the_store_is_away_one_session_is_tried_and_the_others_wait(journals: Path, tmp_path: Path) -> None:
    paths = [left(journals, call(1, f"RM_{number}"), session=f"RM_{number}") for number in range(1, 51)]
    left(journals, call(2, "RM_1"), session="RM_1", name="AJ_2")
    store = TroubledStore(tmp_path / "transcripts", "")
    with job_alive(paths[7]):
        outcomes = await recover(journals, store, ALL)
    assert store.asked == 2  # the first session's first file, and a probe
    assert {outcome.state for outcome in outcomes if outcome.journal != paths[7]} == {State.WAITING}
    assert {outcome.state for outcome in outcomes if outcome.journal == paths[7]} == {State.IN_USE}
    assert len(outcomes) == 51
    assert all("no connection" in outcome.reason for outcome in outcomes if outcome.state is State.WAITING)
    store.refused = ()
    await recover(journals, store, ALL)
    assert not any(path.exists() for path in paths)


async def test_a_session_that_alone_the_store_refuses_keeps_no_other_waiting(journals: Path, tmp_path: Path) -> None:
    refused = left(journals, call(1, "RM_1"), session="RM_1")
    other = left(journals, call(1, "RM_2"), session="RM_2")
    outcomes = await recover(journals, TroubledStore(tmp_path / "transcripts", "RM_1"), ALL)
    assert [outcome.state for outcome in outcomes] == [State.LEFT, State.FINALISED]
    assert (refused.exists(), other.exists()) == (True, False)
