"""A running call's lines leave the node in segments that nothing can change, under a lease that says where."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from tests.parts.object_stores import ObjectServer
from tests.storage.left import PREFIX, call, left
from tests.storage.recovery.lost_node import Watcher
from tests.transcript.journals import lines as journal_lines
from tests.transcript.journals import started
from worker.storage import names
from worker.storage.errors import StorageUnavailable
from worker.storage.journal.journal import Journal
from worker.storage.recovery.other_nodes import LEASE_AGE_S
from worker.storage.recovery.sweep import State, recover
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.verification import verify_session
from worker.storage.stores.store import Store, StoredObject
from worker.storage.storing import shipping
from worker.storage.storing.finalise import finalise
from worker.storage.storing.leases import Lease
from worker.storage.storing.segments import stored_parts
from worker.storage.storing.shipping import Shipper
from worker.transcript.events import Note
from worker.transcript.render import FORMATS

SHIP_AFTER_S, RENEW_S = shipping.SHIP_AFTER_S, shipping.RENEW_S
PATIENCE_S = 20.0
SESSION = f"{PREFIX}/RM_1-verbatim"
LEASE_KEY = "open/RM_1-verbatim/AJ_1"
LEASE = Lease(prefix=SESSION, room="support", room_sid="RM_1", agent_identity="agent-verbatim-1")


class MemoryStore(Store):
    """Keeps objects in memory, and every attempt to put one; while `fails` says so, an attempt ends in trouble."""

    leaves_the_node = True

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.puts: list[tuple[str, bytes]] = []
        self.fails: Callable[[str], bool] = lambda _: False
        self.gate = asyncio.Event()
        self.gate.set()

    def address(self, key: str) -> str:
        return f"memory:{key}"

    async def put(self, key: str, content: bytes) -> None:
        self.puts.append((key, content))
        await self.gate.wait()
        if self.fails(key):
            raise StorageUnavailable("the store cannot be written to (no connection)")
        self.kept[key] = content

    async def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    async def objects(self, prefix: str = "") -> Sequence[StoredObject]:
        raise NotImplementedError

    async def directories(self) -> Sequence[str]:
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    async def tidy(self, prefix: str) -> None: ...

    async def probe(self) -> None: ...

    def segments(self) -> list[bytes]:
        return [content for key, content in sorted(self.kept.items()) if "/parts/" in key]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "SHIP_AFTER_S", 0.01)
    monkeypatch.setattr(shipping, "FIRST_PAUSE_S", 0.01)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def shipping_to(store: Store, journal: Path) -> Shipper:
    async def opened() -> Store:
        return store

    shipper = Shipper(opened, journal, "AJ_1", LEASE)
    shipper.start()
    return shipper


@pytest.fixture
async def shipper(store: MemoryStore, tmp_path: Path) -> AsyncIterator[Shipper]:
    shipper = shipping_to(store, tmp_path / "RM_1-verbatim" / "AJ_1.jsonl")
    yield shipper
    store.fails = lambda _: False
    store.gate.set()
    await shipper.stop()


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_a_line_waits_so_shortly_that_it_can_be_away_in_five_seconds() -> None:
    assert SHIP_AFTER_S <= 4
    assert RENEW_S == 30


async def test_what_is_taken_is_stored_in_order_as_it_is(shipper: Shipper, store: MemoryStore) -> None:
    for number in range(3):
        lines = [b"%d %d\n" % (number, line) for line in range(5)]
        for line in lines:
            shipper.take(line)
        await until(lambda number=number: len(store.segments()) == number + 1)  # type: ignore[misc]
    assert b"".join(store.segments()) == b"".join(b"%d %d\n" % (a, b) for a in range(3) for b in range(5))
    await shipper.stop()
    assert [key for key, _ in store.puts if "/parts/" in key] == [
        f"{SESSION}/parts/AJ_1/00000{number}.jsonl" for number in (1, 2, 3)
    ]


async def test_where_nothing_is_new_nothing_is_put_but_the_lease(
    shipper: Shipper, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "RENEW_S", 0.01)
    shipper.take(b"1\n")
    await until(lambda: len(store.puts) >= 10)
    assert [key for key, _ in store.puts if key != LEASE_KEY] == [f"{SESSION}/parts/AJ_1/000001.jsonl"]


async def test_the_lease_comes_first_and_says_where_the_segments_are(store: MemoryStore, tmp_path: Path) -> None:
    store.fails = lambda key: key == LEASE_KEY
    shipper = shipping_to(store, tmp_path / "RM_1-verbatim" / "AJ_1.jsonl")
    shipper.take(b"1\n")
    await until(lambda: len(store.puts) >= 5)
    assert {key for key, _ in store.puts} == {LEASE_KEY}
    store.fails = lambda _: False
    await until(lambda: len(store.segments()) == 1)
    assert json.loads(store.kept[LEASE_KEY]) == {
        "prefix": SESSION,
        "room": "support",
        "room_sid": "RM_1",
        "agent_identity": "agent-verbatim-1",
    }
    await shipper.stop()


async def test_a_segment_that_failed_is_put_again_as_it_was_and_what_came_since_goes_after_it(
    shipper: Shipper, store: MemoryStore
) -> None:
    store.fails = lambda key: key != LEASE_KEY
    shipper.take(b"1\n")
    await until(lambda: len([key for key, _ in store.puts if key != LEASE_KEY]) >= 2)
    shipper.take(b"2\n")
    tried = len(store.puts)
    await until(lambda: len(store.puts) >= tried + 2)
    store.fails = lambda _: False
    await until(lambda: len(store.segments()) == 2)
    assert store.segments() == [b"1\n", b"2\n"]
    assert {content for key, content in store.puts if key.endswith("000001.jsonl")} == {b"1\n"}


async def test_a_segment_that_is_not_confirmed_stops_whoever_would_put_another_in_its_place(
    shipper: Shipper, store: MemoryStore
) -> None:
    store.fails = lambda key: key != LEASE_KEY
    shipper.take(b"1\n")
    await until(lambda: any(key != LEASE_KEY for key, _ in store.puts))
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await shipper.stop()
    store.fails = lambda _: False
    await shipper.stop()
    assert store.segments() == [b"1\n"]
    tried = len(store.puts)
    await shipper.stop()
    assert len(store.puts) == tried


async def test_stopping_waits_for_what_is_on_its_way_and_begins_nothing(shipper: Shipper, store: MemoryStore) -> None:
    await until(lambda: LEASE_KEY in store.kept)
    store.gate.clear()
    shipper.take(b"1\n")
    await until(lambda: store.puts[-1][0] != LEASE_KEY)
    shipper.take(b"2\n")
    stopping = asyncio.create_task(shipper.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    store.gate.set()
    await stopping
    assert store.segments() == [b"1\n"]
    assert [key for key, _ in store.puts if key != LEASE_KEY] == [f"{SESSION}/parts/AJ_1/000001.jsonl"]


@pytest.fixture
def bucket(moto: ObjectServer, no_clouds: pytest.MonkeyPatch) -> Store:
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    return moto.store(moto.new_bucket(), "eu")


async def segments(store: Store) -> int:
    return len(await store.list(f"{SESSION}/parts/AJ_1"))


async def until_segments(store: Store, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await segments(store) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("shipped", [1, 2, 3])
async def test_whoever_finalises_completes_what_was_shipped_and_takes_the_lease_away(
    bucket: Store, tmp_path: Path, shipped: int
) -> None:
    lines = call()
    journal = left(tmp_path, lines)
    shipper = shipping_to(bucket, journal)
    for number, line in enumerate(lines[:shipped], 1):
        shipper.take(line)
        await until_segments(bucket, number)
    await shipper.stop()
    assert await bucket.list("open") == [LEASE_KEY]
    (outcome,) = await recover(tmp_path, bucket, FORMATS)
    assert outcome.state is State.FINALISED
    assert await bucket.list("open") == []
    assert (await stored_parts(bucket, SESSION))["AJ_1"].data == b"".join(lines)
    (session,) = await Catalogue(bucket, tmp_path).sessions()
    assert (session.complete, await verify_session(bucket, session)) == (True, [])


async def test_a_part_that_is_still_open_is_no_trouble_to_whoever_verifies_the_session(
    bucket: Store, tmp_path: Path
) -> None:
    await finalise([left(tmp_path, call(2), name="AJ_2")], bucket)
    shipper = shipping_to(bucket, tmp_path / "RM_1-verbatim" / "AJ_1.jsonl")
    shipper.take(call()[0])
    await until_segments(bucket, 1)
    await shipper.stop()
    (session,) = await Catalogue(bucket, tmp_path).sessions()
    assert await verify_session(bucket, session) == []
    await bucket.delete(LEASE_KEY)
    (session,) = await Catalogue(bucket, tmp_path).sessions()
    assert {finding.file for finding in await verify_session(bucket, session)} == {"parts/AJ_1/000001.jsonl"}


async def test_a_node_that_shipped_more_than_its_disk_kept_loses_nothing(bucket: Store, tmp_path: Path) -> None:
    lines = call()
    journal = left(tmp_path, lines[:1])
    shipper = shipping_to(bucket, journal)
    for line in lines:
        shipper.take(line)
    await until_segments(bucket, 1)
    await shipper.stop()
    await finalise([journal], bucket)
    assert b"words 1" in (await bucket.get(f"{SESSION}/transcript.txt") or b"")


async def test_what_a_lost_node_shipped_is_finished_elsewhere_and_superseded_when_it_is_back(
    bucket: Store, tmp_path: Path
) -> None:
    lines = call()
    shipper = shipping_to(bucket, left(tmp_path / "lost", lines))
    for line in lines[:2]:
        shipper.take(line)
    await until_segments(bucket, 1)
    await shipper.stop()
    (outcome,) = await Watcher(bucket, tmp_path / "other").after(LEASE_AGE_S)
    assert outcome.state is State.FINALISED
    assert b"words 1" in (await bucket.get(f"{SESSION}/transcript.txt") or b"")
    assert await bucket.list("open") == []
    await recover(tmp_path / "lost", bucket, FORMATS)
    (session,) = await Catalogue(bucket, tmp_path / "other").sessions()
    assert (session.complete, await verify_session(bucket, session)) == (True, [])


async def test_a_call_with_hundreds_of_segments_is_finalised(bucket: Store, tmp_path: Path) -> None:
    notes = [(number, Note(text=str(number))) for number in range(1, 300)]
    lines = journal_lines((0, started(1, "AJ_1")), *notes)
    await asyncio.gather(
        *[bucket.put(names.segment(SESSION, "AJ_1", number), line) for number, line in enumerate(lines, 1)]
    )
    await finalise([left(tmp_path, lines)], bucket)
    assert await segments(bucket) == 300
    (session,) = await Catalogue(bucket, tmp_path).sessions()
    assert await verify_session(bucket, session) == []


async def test_a_journal_gives_every_line_away_in_its_order(tmp_path: Path) -> None:
    journal = await Journal.create(tmp_path, "RM_1-verbatim", "AJ_1")
    taken: list[bytes] = []
    journal.copy_to(taken.append)
    for number in range(20):
        journal.append(Note(text=str(number)))
    await journal.close()
    assert b"".join(taken) == journal.path.read_bytes()
