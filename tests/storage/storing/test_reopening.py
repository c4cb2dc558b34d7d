"""While another part of a stored session runs, its manifest says so."""

from pathlib import Path

from tests.storage.left import call, left
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.session import State
from worker.storage.stores.directory import DirectoryStore
from worker.storage.storing.finalise import finalise
from worker.storage.storing.publishing import stored_manifest
from worker.storage.storing.reopening import reopen

PREFIX = "2026/11/21/support/RM_1-verbatim"


async def test_a_session_goes_from_final_to_open_and_back_and_its_generation_rises(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    seen: list[tuple[str, int]] = []

    async def look() -> None:
        manifest = await stored_manifest(store, PREFIX)
        assert manifest is not None
        seen.append((manifest.state, manifest.generation))

    await finalise([left(tmp_path, call(1))], store)
    await look()
    second = left(tmp_path, call(2)[:1], name="AJ_2")
    assert await reopen(second, PREFIX, store)
    await look()
    second.write_bytes(b"".join(call(2)))
    await finalise([second], store)
    await look()
    assert seen == [("final", 1), ("open", 2), ("final", 3)]


async def test_what_is_open_is_shown_as_such_also_where_its_journal_is_elsewhere(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    await finalise([left(tmp_path, call(1))], store)
    await reopen(left(tmp_path, call(2)[:1], name="AJ_2"), PREFIX, store)
    (session,) = await Catalogue(store, tmp_path / "elsewhere").sessions()
    assert session.state is State.OPEN


async def test_where_nothing_is_stored_nothing_is_reopened(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    assert not await reopen(left(tmp_path, call(1)), PREFIX, store)
    assert await store.list() == []


async def test_a_session_that_is_open_already_stays_as_it_is(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    await finalise([left(tmp_path, call(1))], store)
    second = left(tmp_path, call(2)[:1], name="AJ_2")
    assert await reopen(second, PREFIX, store)
    assert not await reopen(second, PREFIX, store)


async def test_a_part_that_died_before_it_said_anything_makes_its_session_final_again(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "stored")
    await finalise([left(tmp_path, call(1))], store)
    second = left(tmp_path, call(2)[:1], name="AJ_2")
    await reopen(second, PREFIX, store)
    await finalise([second], store)
    manifest = await stored_manifest(store, PREFIX)
    assert manifest is not None and (manifest.state, manifest.generation) == ("final", 3)
