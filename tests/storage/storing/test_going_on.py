"""A manifest says `final` when nothing of its session is to come, whoever stores which part when."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.storage.left import call, left
from tests.storage.recovery.lost_node import FarDirectory, Watcher, lease_key, session, shipped
from worker.storage.recovery.other_nodes import LEASE_AGE_S
from worker.storage.recovery.sweep import recover
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise, publish
from worker.storage.storing.publishing import stored_manifest
from worker.transcript.render import FORMATS


@contextmanager
def lives(journal: Path) -> Iterator[None]:
    """Hold a journal as its job does."""
    with journal.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def state(store: Store) -> tuple[str, int]:
    manifest = await stored_manifest(store, session())
    assert manifest is not None
    return manifest.state, manifest.generation


async def test_a_part_that_is_swept_while_the_next_one_runs_leaves_its_session_open(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    left(tmp_path / "journals", call(1, ends=False))
    running = left(tmp_path / "journals", call(2)[:1], name="AJ_2")
    with lives(running):
        await recover(tmp_path / "journals", store, FORMATS)
        assert await state(store) == ("open", 1)
    running.write_bytes(b"".join(call(2)))
    await recover(tmp_path / "journals", store, FORMATS)
    assert await state(store) == ("final", 2)


async def test_a_part_that_hands_over_is_published_and_its_session_stays_open(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    first = left(tmp_path / "journals", call(1))
    with lives(first), lives(left(tmp_path / "journals", call(2)[:1], name="AJ_2")):
        await publish([first], store)
    assert await state(store) == ("open", 1)


async def test_what_is_stored_again_while_the_next_part_runs_is_not_put_twice(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    first = left(tmp_path / "journals", call(1))
    with lives(first), lives(left(tmp_path / "journals", call(2)[:1], name="AJ_2")):
        await publish([first], store)
        await publish([first], store)
    assert await state(store) == ("open", 1)


async def test_a_part_on_another_node_keeps_its_session_open_until_it_is_finished(tmp_path: Path) -> None:
    store = FarDirectory(tmp_path / "stored")
    await finalise([left(tmp_path / "journals", call(1))], store)
    await shipped(store, part=2)
    third = left(tmp_path / "journals", call(3), name="AJ_3")
    await finalise([third], store)
    assert (await state(store))[0] == "open"
    await Watcher(store, tmp_path / "elsewhere").after(LEASE_AGE_S)
    assert (await state(store))[0] == "final"


async def test_a_lost_part_is_finished_while_the_next_one_runs(tmp_path: Path) -> None:
    store = FarDirectory(tmp_path / "stored")
    await shipped(store, part=1)
    watcher = Watcher(store, tmp_path / "journals")
    with lives(left(tmp_path / "journals", call(2)[:1], name="AJ_2")):
        await watcher.after(LEASE_AGE_S)
        assert (await state(store))[0] == "open"


async def test_what_is_no_lease_keeps_no_session_open(tmp_path: Path) -> None:
    store = FarDirectory(tmp_path / "stored")
    await store.put(lease_key(part=2), b"{}")
    await finalise([left(tmp_path / "journals", call(1))], store)
    assert await state(store) == ("final", 1)


class Crossing(FarDirectory):
    """Another node removes the lease of its part, last of all, while a manifest is put here."""

    async def put(self, key: str, content: bytes) -> None:
        await super().put(key, content)
        if key.endswith("manifest.json"):
            await self.delete(lease_key(part=2))


@pytest.mark.parametrize("lost", [False, True])
async def test_two_nodes_that_finish_at_once_leave_it_final(tmp_path: Path, lost: bool) -> None:
    store = Crossing(tmp_path / "stored")
    await shipped(store, part=2)
    if lost:
        await shipped(store, part=1)
        watcher = Watcher(store, tmp_path / "elsewhere")
        await watcher.sweep()
        watcher.now += LEASE_AGE_S
        await shipped(store, part=2)  # renewed, so that only the first is old
        await watcher.sweep()
    else:
        await finalise([left(tmp_path / "journals", call(1))], store)
    assert await state(store) == ("final", 2)
    assert await store.list("open") == []
