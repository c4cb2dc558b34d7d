"""A session that is removed is gone, stays gone whoever comes back, and no call that runs goes with it."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.storage.left import PREFIX, call, left
from worker.storage.errors import StorageUnavailable
from worker.storage.journal.lock import held
from worker.storage.sessions import removal as removal_module
from worker.storage.sessions.removal import Target, finish_removals, remove
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise
from worker.storage.storing.leases import Lease
from worker.storage.storing.tombstone import key, tombstone, tombstone_of

SESSION = f"{PREFIX}/RM_1-verbatim"
TARGET = Target("RM_1-verbatim", SESSION)
GRAVE = key(SESSION)
LEASE = "open/RM_1-verbatim/AJ_1"


async def stored(store: Store, journals: Path, *numbers: int) -> None:
    await finalise([left(journals, call(number), name=f"AJ_{number}") for number in numbers], store)


async def put_lease(store: Store, age: timedelta = timedelta()) -> None:
    lease = Lease(prefix=SESSION, room="support", room_sid="RM_1", agent_identity="agent-verbatim-1")
    await store.put(LEASE, lease.encode())
    when = (datetime.now(UTC) - age).timestamp()
    os.utime(store.address(LEASE), (when, when))


async def test_all_that_is_stored_goes_and_a_tombstone_stays(store: Store, journals: Path) -> None:
    await stored(store, journals, 1, 2)
    await store.put(f"{SESSION}/audio.ogg", b"sound")
    await store.put(f"{PREFIX}/RM_10-verbatim/manifest.json", b"another")
    removal = await remove(store, journals, TARGET)
    assert (removal.objects, removal.refused) == (9, "")
    assert await store.list() == [f"{PREFIX}/RM_10-verbatim/manifest.json", GRAVE]
    grave = await tombstone(store, SESSION)
    assert grave is not None
    assert (grave.parts, grave.objects) == (2, 9)


async def test_the_tombstone_is_there_before_anything_goes_and_the_manifest_goes_first(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(store, journals, 1)
    done: list[str] = []
    put, delete = store.put, store.delete

    async def noted_put(name: str, content: bytes) -> None:
        done.append(f"put {name}")
        await put(name, content)

    async def noted_delete(name: str) -> None:
        done.append(f"delete {name}")
        await delete(name)

    monkeypatch.setattr(store, "put", noted_put)
    monkeypatch.setattr(store, "delete", noted_delete)
    await remove(store, journals, TARGET)
    note = f"removing/{SESSION}/begun"
    assert done[:3] == [f"put {note}", f"put {GRAVE}", f"delete {SESSION}/manifest.json"]
    assert done[-1] == f"delete {note}"


async def test_the_journals_of_this_node_go_too(store: Store, journals: Path) -> None:
    journal = left(journals, call(1))
    left(journals, call(1), name="AJ_1.1")
    removal = await remove(store, journals, Target("RM_1-verbatim", SESSION, (journal,)))
    assert removal.refused == ""
    assert list(journals.iterdir()) == []
    assert await store.list() == [GRAVE]


async def test_a_journal_that_belongs_nowhere_goes_without_a_tombstone(store: Store, journals: Path) -> None:
    await remove(store, journals, Target("RM_1-verbatim", journals=(left(journals, b"{}\n"),)))
    assert list(journals.iterdir()) == []
    assert await store.list() == []


async def test_a_dry_run_changes_nothing(store: Store, journals: Path) -> None:
    await stored(store, journals, 1)
    journal = left(journals, call(2), name="AJ_2")
    before = await store.list()
    removal = await remove(store, journals, Target("RM_1-verbatim", SESSION, (journal,)), dry_run=True)
    assert (removal.objects, removal.refused) == (len(before), "")
    assert await store.list() == before
    assert journal.exists()


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_call_that_runs_on_this_node_stays(store: Store, journals: Path, dry_run: bool) -> None:
    await stored(store, journals, 1)
    journal = left(journals, call(2, ends=False), name="AJ_2")
    before = await store.list()
    with held(journal):
        removal = await remove(store, journals, Target("RM_1-verbatim", SESSION, (journal,)), dry_run=dry_run)
    assert removal.refused == "RM_1-verbatim is still running: remove it when the call is over"
    assert await store.list() == before
    assert journal.exists()


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_call_that_runs_on_another_node_stays(store: Store, journals: Path, dry_run: bool) -> None:
    await stored(store, journals, 1)
    await put_lease(store)
    before = await store.list()
    removal = await remove(store, journals, TARGET, dry_run=dry_run)
    assert removal.refused == "RM_1-verbatim is still running: remove it when the call is over"
    assert await store.list() == before


async def test_a_part_whose_node_was_lost_goes_with_its_lease(store: Store, journals: Path) -> None:
    await put_lease(store, age=timedelta(minutes=2))
    await store.put(f"{SESSION}/parts/AJ_1/000001.jsonl", b"".join(call(1, ends=False)))
    assert (await remove(store, journals, TARGET)).refused == ""
    assert await store.list() == [GRAVE]


async def test_a_part_that_died_on_this_node_a_moment_ago_is_not_running(store: Store, journals: Path) -> None:
    await put_lease(store)
    journal = left(journals, call(1, ends=False))
    assert (await remove(store, journals, Target("RM_1-verbatim", SESSION, (journal,)))).refused == ""
    assert await store.list() == [GRAVE]


async def test_the_age_of_a_lease_is_the_stores_and_not_this_clocks(
    store: Store, monkeypatch: pytest.MonkeyPatch, journals: Path
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(hours=1)

    await put_lease(store)
    monkeypatch.setattr(removal_module, "datetime", Ahead)
    assert "still running" in (await remove(store, journals, TARGET)).refused


async def test_removing_again_finishes_what_was_interrupted(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(store, journals, 1)
    with monkeypatch.context() as broken:
        broken.setattr(store, "delete", failing_after(3, store))
        with pytest.raises(StorageUnavailable):
            await remove(store, journals, TARGET)
    assert len(await store.list(SESSION)) == 4
    await remove(store, journals, TARGET)
    assert await store.list() == [GRAVE]


async def test_a_workers_next_look_finishes_what_was_interrupted(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(store, journals, 1)
    with monkeypatch.context() as broken:
        broken.setattr(store, "delete", failing_after(0, store))
        with pytest.raises(StorageUnavailable):
            await remove(store, journals, TARGET)
    assert await finish_removals(store) == 1
    assert await store.list() == [GRAVE]
    assert await finish_removals(store) == 0


async def test_what_ended_before_the_tombstone_was_written_is_not_finished(store: Store, journals: Path) -> None:
    await stored(store, journals, 1)
    before = await store.list()
    await store.put(f"removing/{SESSION}/begun", b"{}\n")
    await finish_removals(store)
    assert await store.list() == before


async def test_a_later_part_is_no_part_of_an_interrupted_removal(store: Store) -> None:
    began = datetime(2026, 11, 21, 10, 0, 1, tzinfo=UTC)
    for number in (1, 2):
        await store.put(f"{SESSION}/parts/AJ_{number}/000001.jsonl", b"".join(call(number)))
    await store.put(GRAVE, tombstone_of(parts=1, objects=1, covers_to=began).encode())
    await store.put(f"removing/{SESSION}/begun", b"{}\n")
    await finish_removals(store)
    assert await store.list(SESSION) == [f"{SESSION}/parts/AJ_2/000001.jsonl"]


async def test_what_another_node_puts_meanwhile_goes_as_well(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(store, journals, 1)
    delete = store.delete

    async def late(name: str) -> None:
        await delete(name)
        if name.endswith("000001.jsonl"):
            await store.put(f"{SESSION}/parts/AJ_1/000002.jsonl", b"{}\n")

    monkeypatch.setattr(store, "delete", late)
    await remove(store, journals, TARGET)
    assert await store.list() == [GRAVE]


async def test_a_part_that_began_since_somebody_looked_stays(store: Store, journals: Path) -> None:
    await stored(store, journals, 1)
    before = await store.list()
    with held(left(journals, call(2, ends=False), name="AJ_2")):
        assert "still running" in (await remove(store, journals, TARGET)).refused
    assert await store.list() == before


async def test_segments_of_a_part_that_begins_meanwhile_stay(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(store, journals, 1)
    new, delete = f"{SESSION}/parts/AJ_2/000001.jsonl", store.delete

    async def late(name: str) -> None:
        await delete(name)
        if name == f"{SESSION}/manifest.json":
            await store.put(new, b"".join(call(2)))

    monkeypatch.setattr(store, "delete", late)
    assert (await remove(store, journals, TARGET)).refused == ""
    assert await store.list(SESSION) == [new]


@pytest.mark.parametrize("gone_on", ["a journal", "a lease", "a later end"])
async def test_what_was_too_old_and_has_gone_on_since_stays(store: Store, journals: Path, gone_on: str) -> None:
    await stored(store, journals, 1)
    outdated = datetime(2026, 11, 21, 10, 0, 2, tzinfo=UTC)
    match gone_on:
        case "a journal":
            left(journals, call(2), name="AJ_2")
        case "a lease":
            await put_lease(store, age=timedelta(days=1))
        case _:
            outdated -= timedelta(seconds=1)
    before = await store.list()
    removal = await remove(store, journals, Target("RM_1-verbatim", SESSION, outdated=outdated))
    assert removal.refused == f"{SESSION} has gone on: it is not too old any more, or not finished"
    assert await store.list() == before


async def test_two_who_remove_at_once_both_succeed(store: Store, journals: Path) -> None:
    await stored(store, journals, 1)
    both = await asyncio.gather(remove(store, journals, TARGET), remove(store, journals, TARGET))
    assert [each.refused for each in both] == ["", ""]
    assert await store.list() == [GRAVE]


def failing_after(count: int, store: Store) -> Callable[[str], object]:
    delete, left_over = store.delete, [count]

    async def failing(name: str) -> None:
        if not left_over[0]:
            raise StorageUnavailable("away")
        left_over[0] -= 1
        await delete(name)

    return failing
