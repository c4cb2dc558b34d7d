"""Every session is listed once, with its own words only, whatever lies beside it and whoever is at work on it."""

import json
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from tests.storage.left import PREFIX, call, left
from worker.storage.journal import here
from worker.storage.recovery.sweep import recover
from worker.storage.sessions.catalogue import Catalogue, Session, Span, State
from worker.storage.sessions.finding import find
from worker.storage.sessions.verification import verify_session
from worker.storage.stores.store import Store
from worker.storage.storing.leases import Lease
from worker.transcript.render import FORMATS


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
    monkeypatch.setattr(catalogue, "now", then_finalised(catalogue.now))
    monkeypatch.setattr(catalogue, "keys", then_finalised(catalogue.keys))
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert session.trouble == ""
    assert await words(catalogue, session) == ["words 1"]


async def test_a_journal_that_goes_while_it_is_looked_at_is_no_damage(
    catalogue: Catalogue, store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(journals, call(1))
    in_use = here._in_use

    def goes(journal: Path) -> bool:
        found = in_use(journal)
        journal.unlink()
        return found

    monkeypatch.setattr(here, "_in_use", goes)
    assert await catalogue.sessions() == []


async def test_copies_within_the_store_hide_nothing(catalogue: Catalogue, store: Store, journals: Path) -> None:
    left(journals, call(1))
    await recover(journals, store, FORMATS)
    root = Path(store.address("2026/11/21"))
    shutil.copytree(root, root.with_name("22"))
    assert [session.prefix for session in await catalogue.sessions()] == [
        "2026/11/22/support/RM_1-verbatim",
        "2026/11/21/support/RM_1-verbatim",
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
    directories = store.directories

    async def noted(under: str = "") -> object:
        asked.append(under)
        return await directories(under)

    monkeypatch.setattr(store, "directories", noted)
    for name in ("lost+found", "snapshots"):
        (Path(store.address(name)) / "2026").mkdir(parents=True)
    assert list(await by_id(catalogue)) == ["RM_1-verbatim"]
    assert asked == ["", "2026", "2026/11", "2026/11/21", "2026/11/21/support"]


# --- a store with many days


async def stored_on(store: Store, days: Sequence[str]) -> None:
    """A session a day, `RM_<number of the day>`, in rooms of its own."""
    for number, day in enumerate(days, 1):
        manifest = json.loads(MANIFEST) | {
            "transcript_id": f"RM_{number}-verbatim",
            "room": {"name": f"room {number}", "sid": f"RM_{number}"},
            "started_at": f"{day.replace('/', '-')}T10:00:00.000Z",
            "ended_at": f"{day.replace('/', '-')}T10:05:00.000Z",
        }
        await store.put(f"{day}/room%20{number}/RM_{number}-verbatim/manifest.json", json.dumps(manifest).encode())


MANIFEST = """{"state": "final", "generation": 1, "agent": "verbatim", "reason": "caller_left", "complete": true,
"counts": {"turns": 3, "participants": 1, "gaps": 0, "errors": 0}, "parts": [], "files": {}}"""


async def test_who_wants_the_newest_reads_no_older_day(
    catalogue: Catalogue, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored_on(store, ["2025/12/31", "2026/01/01", "2026/11/20", "2026/11/21"])
    read: list[str] = []
    get = store.get

    async def noted(key: str) -> bytes | None:
        read.append(key)
        return await get(key)

    monkeypatch.setattr(store, "get", noted)
    newest = catalogue.newest()
    assert [(await anext(newest)).transcript_id for _ in range(2)] == ["RM_4-verbatim", "RM_3-verbatim"]
    assert [key[:10] for key in read] == ["2026/11/21", "2026/11/20"]


@pytest.mark.parametrize(
    ("span", "found"),
    [
        (Span(), [4, 3, 2, 1]),
        (Span(since=date(2026, 1, 1)), [4, 3, 2]),
        (Span(until=date(2026, 1, 1)), [2, 1]),
        (Span(date(2026, 1, 1), date(2026, 11, 20)), [3, 2]),
        (Span(date(2026, 2, 1), date(2026, 10, 31)), []),
    ],
)
async def test_a_span_of_days_is_what_lies_between_both_among_them(
    catalogue: Catalogue, store: Store, span: Span, found: list[int]
) -> None:
    await stored_on(store, ["2025/12/31", "2026/01/01", "2026/11/20", "2026/11/21"])
    sessions = await catalogue.sessions(span=span)
    assert [session.transcript_id for session in sessions] == [f"RM_{number}-verbatim" for number in found]


async def test_a_whole_id_or_a_room_is_found_without_a_look_at_older_days(
    catalogue: Catalogue, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored_on(store, ["2026/11/19", "2026/11/20", "2026/11/21"])
    asked: list[str] = []
    directories = store.directories

    async def noted(under: str = "") -> object:
        asked.append(under)
        return await directories(under)

    monkeypatch.setattr(store, "directories", noted)
    for name in ("RM_2-verbatim", "RM_2", "room 2"):
        session, remark = await find(catalogue, name)
        assert (session.transcript_id, remark) == ("RM_2-verbatim", "")
    assert "2026/11/19" not in asked


async def test_what_lies_beside_sessions_is_none(catalogue: Catalogue, store: Store) -> None:
    await stored_on(store, ["2026/11/21"])
    for key in ("2026/11/21/room%201/notes/a", "2026/11/readme/x/y-z/b", "2026/13/45/r/RM_9-x/manifest.json", "20/1"):
        await store.put(key, b"{}")
    assert list(await by_id(catalogue)) == ["RM_1-verbatim"]


async def test_segments_are_not_listed_to_list_sessions(
    catalogue: Catalogue, store: Store, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(journals, call(1))
    await recover(journals, store, FORMATS)
    listed: list[str] = []
    objects = store.objects

    async def noted(prefix: str = "") -> object:
        listed.append(prefix)
        return await objects(prefix)

    monkeypatch.setattr(store, "objects", noted)
    assert list(await by_id(catalogue)) == ["RM_1-verbatim"]
    assert listed == ["open"]


# --- calls on other nodes

LEASE = Lease(prefix=f"{PREFIX}/RM_1-verbatim", room="support", room_sid="RM_1", agent_identity="agent-verbatim-1")


async def test_a_call_on_another_node_is_listed_as_open_and_told_from_its_segments(
    catalogue: Catalogue, store: Store
) -> None:
    await store.put("open/RM_1-verbatim/AJ_1", LEASE.encode())
    told = call(1, ends=False)
    for number, line in enumerate(told, 1):
        await store.put(f"{PREFIX}/RM_1-verbatim/parts/AJ_1/{number:06}.jsonl", line)
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert (session.state, session.room, session.agent) == (State.OPEN, "support", "verbatim")
    assert (session.started_at, session.turns, session.reason) == ("2026-11-21T10:00:01.000Z", None, "running")
    transcript = await catalogue.transcript(session)
    assert [turn.text for turn in transcript.turns] == ["words 1"]
    assert transcript.ended.reason == "running"
    assert await verify_session(store, session) == []


async def test_a_call_of_which_nothing_was_shipped_yet_is_listed(catalogue: Catalogue, store: Store) -> None:
    await store.put("open/RM_1-verbatim/AJ_1", LEASE.encode())
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert (session.state, session.room, session.room_sid) == (State.OPEN, "support", "RM_1")


async def test_a_node_that_has_given_no_sign_for_long_is_called_silent(catalogue: Catalogue, store: Store) -> None:
    await store.put("open/RM_1-verbatim/AJ_1", LEASE.encode())
    os.utime(store.address("open/RM_1-verbatim/AJ_1"), (0, 0))
    assert (await by_id(catalogue))["RM_1-verbatim"].reason == "node is silent"


async def test_a_second_part_on_another_node_opens_a_session_that_was_final(
    catalogue: Catalogue, store: Store, journals: Path
) -> None:
    left(journals, call(1))
    await recover(journals, store, FORMATS)
    await store.put("open/RM_1-verbatim/AJ_2", LEASE.encode())
    await store.put(f"{PREFIX}/RM_1-verbatim/parts/AJ_2/000001.jsonl", b"".join(call(2, ends=False)))
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert (session.state, session.turns, session.complete) == (State.OPEN, 1, False)
    assert await words(catalogue, session) == ["words 1", "words 2"]
    assert await verify_session(store, session) == []


async def test_a_part_that_died_on_this_node_is_not_open_for_its_lease(
    catalogue: Catalogue, store: Store, journals: Path
) -> None:
    left(journals, call(1, ends=False))
    await store.put("open/RM_1-verbatim/AJ_1", LEASE.encode())
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert (session.state, session.turns, session.open_jobs) == (State.UNFINISHED, 1, ("AJ_1",))


async def test_what_others_put_among_the_leases_is_passed_over(catalogue: Catalogue, store: Store) -> None:
    for key, content in {
        "open/x": b"",
        "open/RM_1-verbatim/AJ_1": b"{",
        "open/RM_2-verbatim/a": LEASE.encode(),
    }.items():
        await store.put(key, content)
    assert await by_id(catalogue) == {}


async def test_what_has_no_manifest_and_no_lease_is_damaged(catalogue: Catalogue, store: Store) -> None:
    await store.put(f"{PREFIX}/RM_1-verbatim/transcript.txt", b"words")
    session = (await by_id(catalogue))["RM_1-verbatim"]
    assert session.state is State.DAMAGED
    assert session.trouble == f"{PREFIX}/RM_1-verbatim has no manifest.json: storing it did not end"
