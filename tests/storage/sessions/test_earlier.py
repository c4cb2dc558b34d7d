"""Whoever goes on with a call finds the parts before it, wherever they are."""

import asyncio
from pathlib import Path

import pytest

from tests.storage.left import call, left
from worker.storage.errors import StorageUnavailable
from worker.storage.journal.lock import lock_new
from worker.storage.sessions import earlier
from worker.storage.sessions.earlier import earlier_parts
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise
from worker.transcript.line import Record

SESSION = "RM_1-verbatim"
PREFIX = f"2026/11/21/support/{SESSION}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return DirectoryStore(tmp_path / "stored")


async def found(journals: Path, store: Store | None) -> dict[str, list[Record]]:
    """The records of each part that is found, by job."""

    async def opened() -> Store:
        assert store is not None
        return store

    readings = await earlier_parts(journals, SESSION, PREFIX, opened if store is not None else None)
    return {each.records[0].event.job: list(each.records) for each in readings}  # type: ignore[union-attr]


async def test_in_a_new_room_there_is_nothing(tmp_path: Path, store: Store) -> None:
    assert await found(tmp_path / "journals", store) == {}


async def test_a_journal_that_its_dead_job_left_is_found(tmp_path: Path) -> None:
    left(tmp_path, call(ends=False))
    assert {job: len(records) for job, records in (await found(tmp_path, None)).items()} == {"AJ_1": 2}


async def test_a_journal_that_is_held_is_read_all_the_same(tmp_path: Path) -> None:
    path = left(tmp_path, call(ends=False))
    with path.open("rb") as held:
        assert lock_new(held.fileno(), path)
        assert list(await found(tmp_path, None)) == ["AJ_1"]


async def test_a_torn_last_line_keeps_nothing_before_it_away(tmp_path: Path) -> None:
    left(tmp_path, b"".join(call())[:-10])
    assert len((await found(tmp_path, None))["AJ_1"]) == 2


async def test_a_part_that_was_finalised_is_found_in_the_store(tmp_path: Path, store: Store) -> None:
    await finalise([left(tmp_path, call())], store)
    assert list(await found(tmp_path, None)) == []
    assert list(await found(tmp_path, store)) == ["AJ_1"]


async def test_of_a_part_that_is_here_and_in_the_store_the_longer_is_taken(tmp_path: Path, store: Store) -> None:
    await store.put(f"{PREFIX}/parts/AJ_1/000001.jsonl", b"".join(call()[:2]))
    left(tmp_path, call())
    assert len((await found(tmp_path, store))["AJ_1"]) == 3


async def test_parts_that_do_not_agree_are_taken_by_their_length(tmp_path: Path, store: Store) -> None:
    await store.put(f"{PREFIX}/parts/AJ_1/000001.jsonl", b"".join(call(words="other words")[:2]))
    left(tmp_path, call())
    assert len((await found(tmp_path, store))["AJ_1"]) == 3


async def test_a_store_that_is_away_costs_its_parts_and_not_the_call(tmp_path: Path) -> None:
    class Away(DirectoryStore):
        async def objects(self, prefix: str = "") -> list:  # type: ignore[type-arg]
            raise StorageUnavailable("away")

    left(tmp_path, call())
    assert list(await found(tmp_path, Away(tmp_path / "stored"))) == ["AJ_1"]


async def test_a_store_that_does_not_answer_is_waited_for_no_longer_than_a_caller_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier, "STORE_SECONDS", 0.05)

    class Hangs(DirectoryStore):
        async def objects(self, prefix: str = "") -> list:  # type: ignore[type-arg]
            await asyncio.Event().wait()
            raise AssertionError

    left(tmp_path, call())
    assert list(await found(tmp_path, Hangs(tmp_path / "stored"))) == ["AJ_1"]
