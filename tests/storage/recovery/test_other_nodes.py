"""What a lost node had sent is finished by another, once, and never while its call may still go on."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection
from hashlib import sha256
from pathlib import Path

import pytest

from tests.storage.left import call, everything_in, left
from tests.storage.recovery.lost_node import FarDirectory, PresentAgents, Watcher, lease_key, lease_of, session, shipped
from worker.storage import names
from worker.storage.errors import StorageUnavailable
from worker.storage.recovery import lost_parts
from worker.storage.recovery.other_nodes import LEASE_AGE_S
from worker.storage.recovery.sweep import State, recover
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.verification import verify_session
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise
from worker.storage.storing.leases import LARGEST, Lease
from worker.storage.storing.tombstone import key as tombstone_key
from worker.storage.storing.tombstone import tombstone_of
from worker.transcript.integrity import Manifest
from worker.transcript.model import Transcript
from worker.transcript.render import FORMATS
from worker.transcript.render import json as as_json

SHIPPED_ONLY = (
    "part 1 was finished from what its node had sent to the store; what the node wrote after that is not here"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "transcripts"


@pytest.fixture
def store(root: Path) -> FarDirectory:
    return FarDirectory(root)


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    """Of the node that looks; there are none."""
    return tmp_path / "journals"


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """Journals of the node that is lost, should it come back."""
    return tmp_path / "lost-journals"


@pytest.fixture
def watcher(store: Store, journals: Path) -> Watcher:
    return Watcher(store, journals)


async def manifest(store: Store, sid: str = "RM_1") -> Manifest:
    return Manifest.model_validate_json(await store.get(f"{session(sid)}/manifest.json") or b"")


async def transcript(store: Store, sid: str = "RM_1") -> Transcript:
    return as_json.read(await store.get(f"{session(sid)}/transcript.json") or b"")


async def test_a_call_whose_node_is_lost_is_one_transcript_that_says_so(
    store: FarDirectory, watcher: Watcher, journals: Path
) -> None:
    await shipped(store)
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert (outcome.state, outcome.transcript_id, outcome.job) == (State.FINALISED, "RM_1-verbatim", "AJ_1")
    assert outcome.address == store.address(f"{session()}/manifest.json")
    assert await store.list("open") == []
    told = await transcript(store)
    assert ([turn.text for turn in told.turns], told.ended.reason, told.complete) == (["words 1"], "crashed", False)
    assert SHIPPED_ONLY in [gap.reason for gap in told.gaps]
    stored = await manifest(store)
    assert [(part.events, part.source) for part in stored.parts] == [(2, "segments")]
    (found,) = await Catalogue(store, journals).sessions()
    assert await verify_session(store, found) == []
    assert await watcher.after(LEASE_AGE_S) == []


async def test_an_end_that_was_sent_leaves_no_gap(store: FarDirectory, watcher: Watcher) -> None:
    await shipped(store, call())
    await watcher.after(LEASE_AGE_S)
    stored = await manifest(store)
    assert (stored.complete, stored.reason, stored.parts[0].source) == (True, "caller_left", "segments")


async def test_a_lease_is_watched_for_a_minute_first(store: FarDirectory, watcher: Watcher) -> None:
    await shipped(store)
    watcher.now += 10_000  # how long the node ran before is no matter
    (outcome,) = await watcher.after(LEASE_AGE_S - 0.1)
    assert outcome.state is State.IN_USE
    assert outcome.reason == "in use on another node: its lease was renewed, or watched for less than 60 s"
    assert watcher.rooms.asked == 0
    watcher.now += 0.1
    (outcome,) = await watcher.sweep()
    assert outcome.state is State.FINALISED


async def test_a_lease_that_is_renewed_is_watched_anew(store: FarDirectory, watcher: Watcher) -> None:
    await shipped(store)
    for _ in range(5):
        (outcome,) = await watcher.after(LEASE_AGE_S - 1)
        assert outcome.state is State.IN_USE
        await store.put(lease_key(), lease_of().encode())
    assert watcher.rooms.asked == 0


@pytest.mark.parametrize("at", [0.0, 4e9])
async def test_no_time_of_day_makes_a_lease_old_or_keeps_it_young(
    store: FarDirectory, watcher: Watcher, root: Path, at: float
) -> None:
    await shipped(store)
    os.utime(root / lease_key(), (at, at))
    (outcome,) = await watcher.after(LEASE_AGE_S - 1)
    assert outcome.state is State.IN_USE
    (outcome,) = await watcher.after(1)
    assert outcome.state is State.FINALISED


async def test_a_node_that_is_cut_off_from_the_store_keeps_its_call_for_as_long_as_its_agent_is_in_the_room(
    store: FarDirectory, watcher: Watcher, root: Path, lost: Path
) -> None:
    await shipped(store, call()[:1])
    before = everything_in(root)
    watcher.rooms.sids = {"RM_1"}
    for _ in range(10):
        (outcome,) = await watcher.after(60)
        assert outcome.state is State.IN_USE
        assert outcome.reason == "in use on another node: agent-verbatim-1 is in the room"
    assert everything_in(root) == before
    await finalise([left(lost, call())], store)
    stored = await manifest(store)
    assert (stored.generation, stored.complete, stored.parts[0].source) == (1, True, "journal")
    assert await watcher.after(60) == []


async def test_while_livekit_does_not_answer_nothing_is_finished_and_it_is_asked_once(
    store: FarDirectory, watcher: Watcher, root: Path
) -> None:
    for number in range(40):
        await shipped(store, sid=f"RM_{number}")
    before = everything_in(root)
    watcher.rooms.sids = None
    outcomes = await watcher.after(LEASE_AGE_S)
    assert {(each.state, each.reason, each.by_store) for each in outcomes} == {
        (State.WAITING, "LiveKit cannot be reached", False)
    }
    assert (len(outcomes), watcher.rooms.asked) == (40, 1)
    assert everything_in(root) == before


async def test_a_part_whose_journal_is_here_is_this_nodes_own_business(
    store: FarDirectory, watcher: Watcher, journals: Path
) -> None:
    await shipped(store)
    left(journals, call())
    assert await watcher.after(LEASE_AGE_S) == []
    assert await store.list("open") == [lease_key()]


async def test_a_dry_run_tells_the_same_and_changes_nothing(store: FarDirectory, watcher: Watcher, root: Path) -> None:
    await shipped(store)
    await shipped(store, sid="RM_2")
    watcher.rooms.sids = {"RM_2"}
    before = everything_in(root)
    outcomes = await watcher.after(LEASE_AGE_S, dry_run=True)
    assert [outcome.state for outcome in outcomes] == [State.WOULD_FINALISE, State.IN_USE]
    assert everything_in(root) == before


async def test_a_store_on_this_node_has_no_leases(tmp_path: Path, journals: Path) -> None:
    store = DirectoryStore(tmp_path / "transcripts")
    await shipped(store)
    assert await Watcher(store, journals).after(LEASE_AGE_S) == []


async def test_a_node_that_comes_back_wins_with_its_longer_journal(
    store: FarDirectory, watcher: Watcher, lost: Path
) -> None:
    await shipped(store)
    await watcher.after(LEASE_AGE_S)
    left(lost, call())
    (outcome,) = await recover(lost, store, FORMATS)
    assert outcome.state is State.FINALISED
    stored = await manifest(store)
    assert (stored.generation, stored.complete) == (2, True)
    assert [(part.events, part.source) for part in stored.parts] == [(3, "journal")]
    assert (await transcript(store)).gaps == ()


async def test_a_node_that_comes_back_with_nothing_more_takes_the_mark_away(
    store: FarDirectory, watcher: Watcher, lost: Path
) -> None:
    await shipped(store)
    await watcher.after(LEASE_AGE_S)
    left(lost, call(ends=False))
    await recover(lost, store, FORMATS)
    stored = await manifest(store)
    assert (stored.generation, stored.reason, stored.parts[0].source) == (2, "crashed", "journal")
    assert SHIPPED_ONLY not in [gap.reason for gap in (await transcript(store)).gaps]


@pytest.mark.parametrize("ends", [True, False])
async def test_a_lease_that_outlived_its_part_is_just_removed(
    store: FarDirectory, watcher: Watcher, root: Path, lost: Path, ends: bool
) -> None:
    await finalise([left(lost, call(ends=ends))], store)
    before = everything_in(root)
    await store.put(lease_key(), lease_of().encode())
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert outcome.state is State.FINALISED
    assert everything_in(root) == before


async def test_two_nodes_that_finish_a_part_at_once_store_the_same_bytes(
    store: FarDirectory, root: Path, journals: Path
) -> None:
    for number in range(4):
        await shipped(store, sid=f"RM_{number}")
    nodes = [Watcher(FarDirectory(root), journals) for _ in range(3)]
    for outcomes in await asyncio.gather(*[node.after(LEASE_AGE_S) for node in nodes]):
        assert {outcome.state for outcome in outcomes} <= {State.FINALISED, State.IN_USE}
    assert await store.list("open") == []
    for number in range(4):
        assert (await manifest(store, f"RM_{number}")).generation == 1
        assert [turn.text for turn in (await transcript(store, f"RM_{number}")).turns] == ["words 1"]


async def test_a_node_that_begins_to_finish_a_part_keeps_the_others_from_it(
    store: FarDirectory, root: Path, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shipped(store)
    other = Watcher(FarDirectory(root), journals)
    seen: list[State] = []
    put = store.put

    async def looked_at_by_the_other(key: str, content: bytes) -> None:
        await put(key, content)
        if key == lease_key():
            seen.extend([each.state for each in await other.sweep()])

    await other.sweep()
    other.now += LEASE_AGE_S
    monkeypatch.setattr(store, "put", looked_at_by_the_other)
    (outcome,) = await Watcher(store, journals).after(LEASE_AGE_S)
    assert (outcome.state, seen) == (State.FINALISED, [State.IN_USE])


async def test_a_job_that_renews_late_is_left_alone(store: FarDirectory, root: Path, journals: Path) -> None:
    await shipped(store)

    class Slow(PresentAgents):
        """The job is back before LiveKit has answered."""

        async def agents_in(self, leases: Collection[Lease]) -> Collection[Lease]:
            await store.put(lease_key(), lease_of().encode())
            return []

    (outcome,) = await Watcher(store, journals, Slow()).after(LEASE_AGE_S)
    assert outcome.state is State.IN_USE
    assert not list(root.rglob("manifest.json"))


async def test_a_job_that_goes_on_after_its_part_was_finished_loses_nothing(
    store: FarDirectory, watcher: Watcher, lost: Path
) -> None:
    lines = call()
    await shipped(store, lines[:1])
    await watcher.after(LEASE_AGE_S)
    assert (await manifest(store)).parts[0].events == 1
    await store.put(lease_key(), lease_of().encode())
    await store.put(names.segment(session(), "AJ_1", 2), lines[1])
    await finalise([left(lost, lines)], store)
    stored = await manifest(store)
    assert (stored.generation, stored.complete, stored.parts[0].events) == (2, True, 3)
    assert await store.list("open") == []


async def test_a_longer_journal_that_is_stored_meanwhile_is_not_superseded(
    store: FarDirectory, root: Path, journals: Path, lost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shipped(store)
    put = store.put
    back: list[Callable[[], Awaitable[object]]] = [lambda: finalise([left(lost, call())], FarDirectory(root))]

    async def the_node_comes_back(key: str, content: bytes) -> None:
        if key.endswith("/manifest.json") and back:
            await back.pop()()
        await put(key, content)

    monkeypatch.setattr(store, "put", the_node_comes_back)
    (outcome,) = await Watcher(store, journals).after(LEASE_AGE_S)
    assert outcome.state is State.FINALISED
    stored = await manifest(store)
    assert (stored.complete, stored.parts[0].events) == (True, 3)
    (found,) = await Catalogue(store, journals).sessions()
    assert await verify_session(store, found) == []


async def test_parts_of_two_nodes_are_one_transcript(store: FarDirectory, watcher: Watcher, lost: Path) -> None:
    await shipped(store)
    await finalise([left(lost, call(2), name="AJ_2")], store)
    await watcher.after(LEASE_AGE_S)
    stored = await manifest(store)
    assert [(part.job, part.source) for part in stored.parts] == [("AJ_1", "segments"), ("AJ_2", "journal")]
    told = await transcript(store)
    assert [turn.text for turn in told.turns] == ["words 1", "words 2"]
    assert SHIPPED_ONLY in [gap.reason for gap in told.gaps]


def lease(**changed: str) -> bytes:
    return lease_of("RM_9").model_copy(update=changed).encode()


@pytest.mark.parametrize(
    ("key", "content", "why"),
    [
        ("open/RM_9-verbatim/AJ_1", b"\0garbage", "it cannot be read"),
        ("open/RM_9-verbatim/AJ_1", b"[]", "it cannot be read"),
        ("open/RM_9-verbatim/AJ_1", b'{"prefix":"' + b"x" * LARGEST + b'"}', "bytes"),
        ("open/RM_9-verbatim/AJ_1", lease(prefix="../../../../etc"), "it cannot be read"),
        ("open/RM_9-verbatim/AJ_1", lease(prefix="2026/11/21/../RM_9-verbatim"), "it cannot be read"),
        ("open/RM_9-verbatim/AJ_1", lease(prefix="2026/11/21/support"), "it cannot be read"),
        ("open/RM_9-verbatim/AJ_1", lease(prefix=session("RM_1")), "it names another session"),
        ("open/RM_9-verbatim/AJ_1", lease(room="another"), "it names another session"),
        ("open/RM_9-verbatim/AJ_1", lease(room_sid="RM_8"), "the lines of its part say otherwise"),
        ("open/RM_9-verbatim/AJ_1", lease(agent_identity="nobody"), "the lines of its part say otherwise"),
        ("open/README", b"hello", "is among the leases and is none"),
        ("open/a/b/c", b"hello", "is among the leases and is none"),
        ("open/RM 9/AJ_1", lease(), "is among the leases and is none"),
    ],
)
async def test_what_others_put_among_the_leases_is_left_alone_and_keeps_no_lease_waiting(
    store: FarDirectory, watcher: Watcher, root: Path, key: str, content: bytes, why: str
) -> None:
    await shipped(store, sid="RM_9")
    await store.delete(lease_key("RM_9"))
    await store.put(key, content)
    await shipped(store)
    outcomes = {outcome.lease: outcome for outcome in await watcher.after(LEASE_AGE_S)}
    assert outcomes[lease_key()].state is State.FINALISED
    assert (outcomes[key].state, outcomes[key].lasting) == (State.LEFT, True)
    assert why in outcomes[key].reason
    assert await store.get(key) == content
    assert not (root / session("RM_9") / "manifest.json").exists()


async def test_a_lease_that_is_not_followed_is_not_read_again_until_it_changes(
    store: FarDirectory, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put(lease_key(), b"garbage")
    (first,) = await watcher.after(LEASE_AGE_S)
    with monkeypatch.context() as blind:
        blind.setattr(store, "get", None)
        assert await watcher.after(LEASE_AGE_S) == [first]
    await shipped(store)
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert outcome.state is State.FINALISED


async def test_a_part_of_which_nothing_had_left_its_node_leaves_nothing(
    store: FarDirectory, watcher: Watcher, root: Path
) -> None:
    await shipped(store, [])
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert (outcome.state, outcome.address) == (State.FINALISED, "")
    assert outcome.reason == "its node was lost before anything of it had left the node"
    assert everything_in(root) == {}


async def test_a_part_that_was_removed_is_not_stored_again(store: FarDirectory, watcher: Watcher) -> None:
    await store.put(tombstone_key(session()), tombstone_of(parts=1, objects=7).encode())
    await shipped(store)
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert (outcome.state, outcome.reason) == (State.FINALISED, "it was removed, and is not stored again")
    assert await store.list() == [tombstone_key(session())]


async def test_a_segment_that_was_written_again_with_other_words_is_noticed(
    store: FarDirectory, watcher: Watcher, root: Path
) -> None:
    await shipped(store)
    await watcher.after(LEASE_AGE_S)
    others = call(ends=False, words="other words")
    await shipped(store, others)
    before = everything_in(root)
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert outcome.state is State.LEFT
    assert "was made from other events of job AJ_1 than are here, as if two had written its journal" in outcome.reason
    after = everything_in(root)
    assert {name: after[name] for name in before} == before


async def test_segments_of_two_writers_are_not_mixed(store: FarDirectory, watcher: Watcher) -> None:
    await shipped(store, [call()[0], call(words="other words")[2]])
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert "can be trusted as far as line 2" in outcome.reason
    stored = await manifest(store)
    assert (stored.parts[0].events, stored.complete) == (1, False)
    assert "the journal of part 1 is unreadable from line 2" in " ".join(
        gap.reason for gap in (await transcript(store)).gaps
    )


async def test_more_than_any_session_is_not_read(
    store: FarDirectory, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_parts, "LARGEST", 100)
    await shipped(store)
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert outcome.state is State.LEFT
    assert "have 533 bytes, more than any call" in outcome.reason


class AwayStore(FarDirectory):
    """Lists and reads, and takes nothing; counts how often it was asked to."""

    asked = 0

    async def put(self, key: str, content: bytes) -> None:
        self.asked += 1
        raise StorageUnavailable("the store cannot be written to")


async def test_a_store_that_takes_nothing_is_tried_for_one_part(
    store: FarDirectory, root: Path, journals: Path
) -> None:
    for number in range(40):
        await shipped(store, sid=f"RM_{number}")
    away = AwayStore(root)
    outcomes = await Watcher(away, journals).after(LEASE_AGE_S)
    assert {(each.state, each.by_store) for each in outcomes} == {(State.WAITING, True)}
    assert (len(outcomes), away.asked) == (40, 2)  # one part's lease, and a probe


async def test_what_a_newer_version_wrote_is_left_to_it(store: FarDirectory, watcher: Watcher, root: Path) -> None:
    first = call()[0]
    covered = b'{"v":2,"seq":1,"at":"2026-11-21T10:00:01.500Z","ms":500,"kind":"note","text":"x"'
    h = sha256(first[-19:-3] + covered).hexdigest()[:16].encode()
    await shipped(store, [first, covered + b',"h":"' + h + b'"}\n'])
    (outcome,) = await watcher.after(LEASE_AGE_S)
    assert outcome.state is State.LEFT
    assert "format version is 2, this program reads up to 1: finish it with that version" in outcome.reason
    assert await store.list("open") == [lease_key()]
    assert not list(root.rglob("manifest.json"))


async def test_what_another_node_stores_of_the_session_meanwhile_is_named_too(
    store: FarDirectory, root: Path, journals: Path, lost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shipped(store)
    second = left(lost, call(2), name="AJ_2")
    put = store.put

    async def the_other_part_ends(key: str, content: bytes) -> None:
        if key.endswith("/manifest.json") and second.exists():
            await finalise([second], FarDirectory(root))
        await put(key, content)

    monkeypatch.setattr(store, "put", the_other_part_ends)
    await Watcher(store, journals).after(LEASE_AGE_S)
    assert [turn.text for turn in (await transcript(store)).turns] == ["words 1", "words 2"]
    assert [part.job for part in (await manifest(store)).parts] == ["AJ_1", "AJ_2"]


async def test_a_call_that_goes_on_in_another_part_holds_nobody_up(
    store: FarDirectory, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shipped(store)
    await shipped(store, call(2)[:1], part=2)
    put, grown = store.put, iter(range(2, 100))

    async def the_other_part_grows(key: str, content: bytes) -> None:
        if key.endswith("/manifest.json"):
            await put(names.segment(session(), "AJ_2", next(grown)), b"")
        await put(key, content)

    monkeypatch.setattr(store, "put", the_other_part_grows)
    watcher = Watcher(store, journals)
    await watcher.sweep()
    await put(lease_key(part=2), lease_of(part=2).encode())
    watcher.now += LEASE_AGE_S
    assert {outcome.job: outcome.state for outcome in await watcher.sweep()} == {
        "AJ_1": State.FINALISED,
        "AJ_2": State.IN_USE,
    }
