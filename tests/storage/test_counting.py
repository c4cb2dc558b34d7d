"""What storage tells of itself: each event once, each attempt once."""

import asyncio
import errno
import time
from pathlib import Path

import pytest

from tests.parts.counts import Counts
from tests.storage.disks import TroubledDisk
from tests.storage.left import call, left
from tests.storage.reading import events
from tests.storage.storing.test_shipping import LEASE, LEASE_KEY, MemoryStore, until
from worker.metrics.definitions import (
    EVENTS_ACCEPTED,
    EVENTS_STORED,
    JOURNAL_DEGRADED,
    JOURNAL_SYNC,
    RECOVERED,
    SESSIONS_ENDED,
    UPLOAD_FAILURES,
    UPLOAD_LAG,
    UPLOAD_OLDEST,
    UPLOADS,
)
from worker.storage.errors import StorageUnavailable
from worker.storage.journal.journal import Journal
from worker.storage.recovery.keeper import JournalKeeper
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing import shipping
from worker.storage.storing.finalise import publish
from worker.storage.storing.shipping import Shipper
from worker.transcript.events import Note
from worker.transcript.render import FORMATS


async def test_every_event_that_reaches_the_disk_is_counted_once(tmp_path: Path, counts: Counts) -> None:
    journal = await Journal.create(tmp_path, "RM_1-verbatim", "AJ_1")
    for number in range(5):
        journal.append(Note(text=f"note {number}"))
    await journal.settled()
    await journal.close()
    assert counts(EVENTS_ACCEPTED) == counts(JOURNAL_SYNC, "count") == 5
    assert 0 < counts(JOURNAL_SYNC, "sum") < 60
    assert counts(JOURNAL_DEGRADED) == 0


async def test_an_event_counts_as_accepted_when_a_disk_that_failed_has_it_after_all(
    tmp_path: Path, counts: Counts
) -> None:
    disk = TroubledDisk()
    journal = await Journal.create(tmp_path, "RM_1-verbatim", "AJ_1", disk=disk, retry_s=0.005)
    disk.refuse("sync", errno.EIO)
    assert not (await journal.append(Note(text="one"))).durable
    assert (counts(EVENTS_ACCEPTED), counts(JOURNAL_DEGRADED)) == (0, 1)
    disk.allow()
    await until(lambda: journal.degraded is None)
    await journal.close()
    assert counts(EVENTS_ACCEPTED) == len(events(journal.path)), "each once, in however many files it is"
    assert counts(JOURNAL_DEGRADED) == 1


async def test_a_call_that_crashed_and_its_events_count_when_they_are_stored_and_once(
    journals: Path, store: Store, counts: Counts
) -> None:
    left(journals, call(1, ends=False))
    left(journals, call(2, "RM_2"), "RM_2", "AJ_2")
    await publish([journals / "RM_2-verbatim" / "AJ_2.jsonl"], store)
    assert counts(EVENTS_STORED) == 0, "its journal is there, and counts when that is gone"
    keeper = JournalKeeper(journals, store, FORMATS, 60)
    for _ in range(2):
        await keeper.sweep()
    assert counts(EVENTS_STORED) == 2 + 3
    assert counts(RECOVERED, origin="this_node") == 2
    assert counts(SESSIONS_ENDED, reason="crashed") == 1, "the other's process said how it ended"
    assert counts(UPLOADS, kind="transcript") == 2


async def test_a_store_that_takes_no_transcript_is_counted(
    journals: Path, tmp_path: Path, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise StorageUnavailable("the store is away")

    monkeypatch.setattr(DirectoryStore, "put", refuse)
    left(journals, call(1))
    await JournalKeeper(journals, DirectoryStore(tmp_path / "transcripts"), FORMATS, 60).sweep()
    assert counts(UPLOAD_FAILURES, kind="transcript") == 1
    assert counts(EVENTS_STORED) == counts(UPLOADS, kind="transcript") == counts(RECOVERED, origin="this_node") == 0


async def test_what_running_calls_send_is_counted_with_how_long_it_took_and_how_long_it_waits(
    tmp_path: Path, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "SHIP_AFTER_S", 0.01)
    monkeypatch.setattr(shipping, "FIRST_PAUSE_S", 0.01)
    store = MemoryStore()

    async def opened() -> Store:
        return store

    shipper = Shipper(opened, tmp_path / "RM_1-verbatim" / "AJ_1.jsonl", "AJ_1", LEASE)
    shipper.start()
    await until(lambda: LEASE_KEY in store.kept)
    before = time.time()
    store.fails = lambda key: "/parts/" in key
    shipper.take(b"1\n")
    await until(lambda: counts(UPLOAD_FAILURES, kind="segment") >= 2)
    shipper.take(b"2\n")
    assert before <= counts(UPLOAD_OLDEST) <= before + 60, "since the first line, whatever came later"
    store.fails = lambda _: False
    await until(lambda: counts(UPLOADS, kind="segment") == 2)
    assert counts(UPLOADS, kind="lease") == 1
    assert counts(UPLOAD_LAG, "count") == 2
    assert counts(UPLOAD_OLDEST) == 0
    store.fails = lambda key: "/parts/" in key
    shipper.take(b"3\n")
    assert counts(UPLOAD_OLDEST) > 0
    store.fails = lambda _: False
    await asyncio.gather(shipper.stop())
    assert counts(UPLOAD_OLDEST) == 0, "what is left goes with the transcript"
