"""What is too old goes by itself, and only that: never what is not finished, and at the cost of a few listings."""

import asyncio
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.storage.left import PREFIX, call, left
from worker.storage.errors import StorageUnavailable
from worker.storage.sessions import retention as retention_module
from worker.storage.sessions.retention import TOMBSTONES_KEPT, Retention
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise
from worker.storage.storing.leases import Lease
from worker.storage.storing.tombstone import key, tombstone

SESSION = f"{PREFIX}/RM_1-verbatim"
DAY = date(2026, 11, 21)
"""On which every call here was."""


@pytest.fixture
def retention(store: Store, journals: Path) -> Retention:
    return Retention(store, journals, 30)


async def test_what_is_older_than_the_days_goes_and_what_is_not_stays(
    store: Store, journals: Path, retention: Retention
) -> None:
    await finalise([left(journals, call(1))], store)
    before = await store.list()
    await retention.sweep(DAY + timedelta(days=30))
    assert await store.list() == before
    (removal,) = await retention.sweep(DAY + timedelta(days=31))
    assert (removal.target.transcript_id, removal.refused) == ("RM_1-verbatim", "")
    assert await store.list() == [key(SESSION)]


async def test_for_ever_is_for_ever(store: Store, journals: Path) -> None:
    await finalise([left(journals, call(1))], store)
    before = await store.list()
    assert await Retention(store, journals, 0).sweep(date(2126, 1, 1)) == []
    assert await store.list() == before


async def test_a_session_is_as_old_as_its_end_however_old_its_room_is(
    store: Store, journals: Path, retention: Retention
) -> None:
    await finalise([left(journals, call(1))], store)
    old = "2026/10/01/support/RM_1-verbatim"
    for each in await store.list(SESSION):
        await store.put(each.replace(SESSION, old), await store.get(each) or b"")
        await store.delete(each)
    before = await store.list()
    await retention.sweep(DAY + timedelta(days=30))
    assert await store.list() == before
    await retention.sweep(DAY + timedelta(days=31))
    assert await store.list() == [key(old)]


async def test_a_part_that_is_not_finished_is_never_touched(store: Store, journals: Path, retention: Retention) -> None:
    await finalise([left(journals, call(1))], store)
    before = await store.list()
    left(journals, call(2), name="AJ_2")
    assert await retention.sweep(DAY + timedelta(days=99)) == []
    assert await store.list() == before


async def test_a_part_that_another_node_has_not_finished_is_never_touched(
    store: Store, journals: Path, retention: Retention
) -> None:
    await finalise([left(journals, call(1))], store)
    lease = Lease(prefix=SESSION, room="support", room_sid="RM_1", agent_identity="agent-verbatim-2")
    await store.put("open/RM_1-verbatim/AJ_2", lease.encode())
    os.utime(store.address("open/RM_1-verbatim/AJ_2"), (0, 0))
    before = await store.list()
    assert await retention.sweep(DAY + timedelta(days=99)) == []
    assert await store.list() == before


async def test_a_part_that_began_after_what_was_too_old_is_stored(
    store: Store, journals: Path, retention: Retention
) -> None:
    await finalise([left(journals, call(1))], store)
    await retention.sweep(DAY + timedelta(days=31))
    later = await finalise([left(journals, call(9), name="AJ_9")], store)
    assert later is not None
    assert [turn.text for turn in later.transcript.turns] == ["words 9"]


async def test_what_has_no_manifest_is_as_old_as_what_was_put_last(store: Store, retention: Retention) -> None:
    await store.put(f"{SESSION}/parts/AJ_1/000001.jsonl", b"".join(call(1)))
    put_on = datetime.now(UTC).date()
    await retention.sweep(put_on + timedelta(days=30))
    assert len(await store.list(SESSION)) == 1
    await retention.sweep(put_on + timedelta(days=31))
    assert await store.list() == [key(SESSION)]


async def test_a_tombstone_goes_when_no_node_can_come_back_any_more(
    store: Store, journals: Path, retention: Retention
) -> None:
    await finalise([left(journals, call(1))], store)
    await retention.sweep(DAY + timedelta(days=31))
    await retention.sweep(DAY + timedelta(days=30) + TOMBSTONES_KEPT)
    assert await tombstone(store, SESSION) is not None
    await retention.sweep(DAY + timedelta(days=31) + TOMBSTONES_KEPT)
    assert await store.list() == []


async def test_days_that_are_not_over_cost_no_listing(
    store: Store, journals: Path, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finalise([left(journals, call(1))], store)
    await store.put("2026/10/03/support/RM_2-verbatim/manifest.json", b"")
    asked: list[str] = []
    directories, objects = store.directories, store.objects

    async def noted(under: str = "") -> object:
        asked.append(under)
        return await directories(under)

    async def noted_objects(prefix: str = "") -> object:
        asked.append(prefix)
        return await objects(prefix)

    monkeypatch.setattr(store, "directories", noted)
    monkeypatch.setattr(store, "objects", noted_objects)
    await retention.sweep(date(2026, 11, 2))
    assert asked == ["removing", "open", "", "2026", "2026/10", "removed"]


async def test_a_worker_goes_on_looking_whatever_goes_wrong(
    retention: Retention, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked = asyncio.Event()
    troubles: list[Exception] = [StorageUnavailable("the store is away"), KeyError("words")]

    async def sweep(today: date) -> None:
        if troubles:
            raise troubles.pop(0)
        looked.set()

    monkeypatch.setattr(retention_module, "EVERY_S", 0)
    monkeypatch.setattr(retention, "sweep", sweep)
    running = asyncio.create_task(retention.run())
    async with asyncio.timeout(10):
        await looked.wait()
    running.cancel()
    assert "the store is away" in caplog.text
    assert "KeyError" in caplog.text and "words" not in caplog.text
