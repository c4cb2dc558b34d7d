"""What was removed stays removed: a tombstone tells which parts it covers, and holds no word of them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.storage.left import PREFIX, call, left
from worker.storage.errors import SessionRemoved, StoredDiffers
from worker.storage.journal.parts import PartLines
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise, publish
from worker.storage.storing.tombstone import discard, key, tombstone, tombstone_of

SESSION = f"{PREFIX}/RM_1-verbatim"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return DirectoryStore(tmp_path / "transcripts")


async def test_it_says_when_by_which_version_and_how_much_and_nothing_else(store: Store) -> None:
    written = tombstone_of(parts=2, objects=14)
    await store.put(key(SESSION), written.encode())
    assert await tombstone(store, SESSION) == written
    assert json.loads(await store.get(key(SESSION)) or b"").keys() == {
        "format", "removed_at", "covers_to", "by", "parts", "objects",
    }  # fmt: skip


async def test_a_session_that_was_not_removed_has_none(store: Store) -> None:
    assert await tombstone(store, SESSION) is None


@pytest.mark.parametrize(
    ("covers_to", "covered"),
    [("2026-11-21T10:00:00Z", False), ("2026-11-21T10:00:01Z", True), ("2026-11-21T11:00:02+01:00", True)],
)
def test_it_covers_the_parts_that_began_before(covers_to: str, covered: bool) -> None:
    part = PartLines.of(b"".join(call(1)))  # began at 10:00:01
    assert tombstone_of(parts=1, objects=1, covers_to=datetime.fromisoformat(covers_to)).covers(part) is covered


@pytest.mark.parametrize("content", [b"", b"{}", b'{"removed_at": "yesterday"}'])
async def test_one_that_cannot_be_read_lets_nobody_store_or_throw_away(store: Store, content: bytes) -> None:
    await store.put(key(SESSION), content)
    with pytest.raises(StoredDiffers, match="cannot be read as a tombstone: nothing was changed"):
        await tombstone(store, SESSION)


async def test_one_of_a_newer_form_is_not_guessed_at(store: Store) -> None:
    newer = tombstone_of(parts=1, objects=1).model_copy(update={"format": "verbatim.tombstone/2"})
    await store.put(key(SESSION), newer.encode())
    with pytest.raises(StoredDiffers):
        await tombstone(store, SESSION)


async def test_only_the_segments_of_the_part_are_discarded(store: Store) -> None:
    mine, other = f"{SESSION}/parts/AJ_1/000001.jsonl", f"{SESSION}/parts/AJ_10/000001.jsonl"
    for each in (mine, other):
        await store.put(each, b"{}")
    await discard(store, SESSION, ["AJ_1"])
    assert await store.list() == [other]


async def test_a_transcript_is_discarded_with_its_parts_and_kept_for_another(store: Store, tmp_path: Path) -> None:
    journals = [left(tmp_path, call(number), name=f"AJ_{number}") for number in (1, 2)]
    await finalise(journals, store)
    await discard(store, SESSION, ["AJ_1"])
    assert f"{SESSION}/manifest.json" in await store.list()
    await discard(store, SESSION, ["AJ_1", "AJ_2"])
    assert await store.list() == []


async def test_a_node_that_comes_back_does_not_store_again_what_was_removed(store: Store, tmp_path: Path) -> None:
    await store.put(key(SESSION), tombstone_of(parts=1, objects=7).encode())
    journal = left(tmp_path, call(1))
    with pytest.raises(SessionRemoved):
        await publish([journal], store)
    assert await finalise([journal], store) is None
    assert await store.list() == [key(SESSION)]
    assert not journal.exists()


async def test_a_later_part_of_the_room_session_is_stored_without_what_was_removed(
    store: Store, tmp_path: Path
) -> None:
    second = datetime(2026, 11, 21, 10, 0, 2, tzinfo=UTC)
    grave = tombstone_of(parts=1, objects=7, covers_to=second - timedelta(seconds=1))
    await store.put(key(SESSION), grave.encode())
    stored = await finalise([left(tmp_path, call(number), name=f"AJ_{number}") for number in (1, 2)], store)
    assert stored is not None
    assert [turn.text for turn in stored.transcript.turns] == ["words 2"]
    assert not list((tmp_path / "RM_1-verbatim").glob("*"))


async def test_what_is_removed_while_another_node_stores_it_does_not_come_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = left(tmp_path, call(1))
    put = store.put

    async def removed_first(name: str, content: bytes) -> None:
        if name.endswith("/transcript.json"):
            await put(key(SESSION), tombstone_of(parts=1, objects=0).encode())
        await put(name, content)

    monkeypatch.setattr(store, "put", removed_first)
    assert await finalise([journal], store) is None
    assert await store.list() == [key(SESSION)]
    assert not journal.exists()
