"""Every session is listed once, with its own words only, whatever lies beside it and whoever is at work on it."""

import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.storage.left import PREFIX, call, left
from worker.storage import catalogue as catalogue_module
from worker.storage.catalogue import Catalogue, Session, State
from worker.storage.directory import DirectoryStore
from worker.storage.recovery import recover
from worker.storage.store import Store
from worker.storage.verification import verify_session
from worker.transcript.render import FORMATS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return DirectoryStore(tmp_path / "transcripts")


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    return tmp_path / "journals"


@pytest.fixture
def catalogue(store: Store, journals: Path) -> Catalogue:
    return Catalogue(store, journals)


async def by_id(catalogue: Catalogue) -> dict[str, Session]:
    sessions = await catalogue.sessions()
    found = {session.transcript_id: session for session in sessions}
    assert len(found) == len(sessions)
    return found


async def words(catalogue: Catalogue, session: Session) -> Sequence[str]:
    return [turn.text for turn in (await catalogue.transcript(session)).turns]


async def test_a_journal_belongs_to_the_session_that_it_tells_of_wherever_it_lies(
    catalogue: Catalogue, journals: Path
) -> None:
    left(journals, call(1))
    left(journals, call(7, "RM_7"), name="AJ_7")
    left(journals, call(8, "RM_7"), session="RM_7", name="AJ_8")
    found = await by_id(catalogue)
    assert await words(catalogue, found["RM_1-verbatim"]) == ["words 1"]
    assert await words(catalogue, found["RM_7-verbatim"]) == ["words 7", "words 8"]


async def test_a_journal_that_cannot_be_read_takes_nothing_from_the_stored_session(
    catalogue: Catalogue, store: Store, journals: Path
) -> None:
    left(journals, call(1))
    left(journals, call(2, "RM_2"), session="RM_2")
    await recover(journals, store, FORMATS)
    damaged = left(journals, b"{}\n", name="AJ_5")
    found = await by_id(catalogue)
    session = found["RM_1-verbatim"]
    assert (session.state, session.prefix) == (State.FINAL, f"{PREFIX}/RM_1-verbatim")
    assert f"{damaged}, line 1" in session.trouble
    assert await words(catalogue, session) == ["words 1"]
    (finding,) = await verify_session(store, session)
    assert f"{damaged}, line 1" in str(finding)
    assert found["RM_2-verbatim"].trouble == ""


async def test_a_journal_that_contradicts_the_store_is_a_trouble_and_the_stored_session_is_listed(
    catalogue: Catalogue, store: Store, journals: Path
) -> None:
    left(journals, call(1))
    await recover(journals, store, FORMATS)
    left(journals, call(1, words="other words"))
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert session.state is State.FINAL
    assert "holds other lines of job AJ_1" in session.trouble
    assert await words(catalogue, session) == ["words 1"]


async def test_a_session_that_is_finalised_while_it_is_listed_is_listed(
    store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(journals, call(1))
    catalogue = Catalogue(store, journals)

    def then_finalised(look: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def looked(*arguments: object) -> object:
            found = await look(*arguments)
            await recover(journals, store, FORMATS)
            return found

        return looked

    # Whichever comes first, the session is stored, and its journal gone, before the other.
    monkeypatch.setattr(catalogue, "_local", then_finalised(catalogue._local))
    monkeypatch.setattr(catalogue, "_stored", then_finalised(catalogue._stored))
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert session.trouble == ""
    assert await words(catalogue, session) == ["words 1"]


async def test_a_journal_that_goes_while_it_is_looked_at_is_no_damage(
    catalogue: Catalogue, store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(journals, call(1))
    in_use = catalogue_module._in_use

    def goes(journal: Path) -> bool:
        found = in_use(journal)
        journal.unlink()
        return found

    monkeypatch.setattr(catalogue_module, "_in_use", goes)
    assert await catalogue.sessions() == []


async def test_copies_within_the_store_hide_nothing(catalogue: Catalogue, store: Store, journals: Path) -> None:
    left(journals, call(1))
    await recover(journals, store, FORMATS)
    root = Path(store.address("2026/11/21"))
    shutil.copytree(root, root.with_name("22"))
    assert [session.prefix for session in await catalogue.sessions()] == [
        "2026/11/21/support/RM_1-verbatim",
        "2026/11/22/support/RM_1-verbatim",
    ]


async def test_a_manifest_that_is_of_another_session_does_not_pass_for_its_own(
    catalogue: Catalogue, store: Store, journals: Path
) -> None:
    left(journals, call(1))
    left(journals, call(2, "RM_2"), session="RM_2")
    await recover(journals, store, FORMATS)
    one, two = (f"{PREFIX}/RM_{number}-verbatim/manifest.json" for number in (1, 2))
    await store.put(two, await store.get(one) or b"")
    found = await by_id(catalogue)
    assert {name: session.state for name, session in found.items()} == {
        "RM_1-verbatim": State.FINAL,
        "RM_2-verbatim": State.DAMAGED,
    }
    assert found["RM_2-verbatim"].trouble == f"{two} is that of another session"


@pytest.mark.parametrize(
    "change", [{"started_at": "yesterday"}, {"started_at": "2026-11-21T10:00:00"}, {"counts": None}, {"room": []}]
)
async def test_a_manifest_that_is_wrong_is_one_damaged_session(
    catalogue: Catalogue, store: Store, journals: Path, change: dict[str, object]
) -> None:
    left(journals, call(1))
    await recover(journals, store, FORMATS)
    key = f"{PREFIX}/RM_1-verbatim/manifest.json"
    await store.put(key, json.dumps(json.loads(await store.get(key) or b"") | change).encode())
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert (session.state, session.room, session.trouble) == (State.DAMAGED, "support", f"{key} cannot be read")


async def test_a_volume_with_a_directory_of_the_systems_in_it_can_be_listed(
    catalogue: Catalogue, store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(journals, call(1))
    await recover(journals, store, FORMATS)
    asked: list[str] = []
    objects = store.objects

    async def noted(prefix: str = "") -> object:
        asked.append(prefix)
        return await objects(prefix)

    monkeypatch.setattr(store, "objects", noted)
    for name in ("lost+found", "snapshots"):
        (Path(store.address(name)) / "2026").mkdir(parents=True)
    assert list(await by_id(catalogue)) == ["RM_1-verbatim"]
    assert asked == ["2026"]
