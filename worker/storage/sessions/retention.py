"""What is older than it may be goes, at a pace that nobody notices.

A session is as old as its end. Keys begin with the day of the room's creation, which is never later: only days that
are over are looked into, and where nothing is old, a look costs a listing of years and months. What is not finished
is never touched: a part that has a lease, or a journal on this node.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import SystemRandom
from urllib.parse import unquote

from worker.storage import names
from worker.storage.concurrency import in_order
from worker.storage.disk import Disk
from worker.storage.errors import StorageError
from worker.storage.journal.journals import session_directories
from worker.storage.sessions.removal import Removal, Target, ended_at, finish_removals, remove
from worker.storage.stores.places import Span, day_key, days, prefixes
from worker.storage.stores.store import Store
from worker.storage.storing.leases import open_parts
from worker.storage.storing.tombstone import TOMBSTONES

EVERY_S = 3600.0
"""Between two looks, at least; up to a quarter more, so that many workers do not look at once."""

AT_ONCE = 4
"""Sessions that a worker removes at a time."""

TOMBSTONES_KEPT = timedelta(days=365)
"""How much longer than its transcript a tombstone is kept: no node comes back after that with a journal. What one
would store then all the same is too old, and goes at the next look."""

log = logging.getLogger(__name__)
random = SystemRandom()


async def outdated(store: Store, journal_dir: Path, before: date, room: str | None = None) -> AsyncIterator[Target]:
    """Yield the sessions that ended before the day `before` (UTC), and are finished.

    Args:
        store: where they are.
        journal_dir: where the journals of this node are.
        before: the first day that is kept.
        room: only those in rooms of this name.
    """
    unfinished = {part.session for part in (await open_parts(store))[0]}
    unfinished |= {each.name for each in await asyncio.to_thread(session_directories, journal_dir)}
    limit = datetime(before.year, before.month, before.day, tzinfo=UTC)

    async def old(prefix: str) -> Target | None:
        ended = await _ended(store, prefix)
        session = prefix.rpartition("/")[2]
        if ended is None or ended >= limit or session in unfinished:
            return None
        return Target(unquote(session), prefix, outdated=ended)

    for day in await days(store, Span(until=before - timedelta(days=1))):
        found = [prefix async for prefix in prefixes(store, day, room)]
        async for target in in_order(old, found):
            if target is not None:
                yield target


async def _ended(store: Store, prefix: str) -> datetime | None:
    """Return when a session ended; where no manifest says that, when something was last stored of it."""
    ended = ended_at(await store.get(f"{prefix}/{names.MANIFEST}"))
    return ended or max((each.modified for each in await store.objects(prefix)), default=None)


class Retention:
    """Removes what is too old, and finishes removals that were begun, from `run` until that is cancelled."""

    def __init__(self, store: Store, journal_dir: Path, retention_days: int, disk: Disk | None = None) -> None:
        """Begin without a look.

        Args:
            store: where transcripts are.
            journal_dir: where the journals of this node are.
            retention_days: how long a session is kept after its end; 0: for ever.
            disk: the file system, when not the machine's own.
        """
        self._store = store
        self._journal_dir = journal_dir
        self._days = retention_days
        self._disk = disk

    async def run(self) -> None:
        """Go on until cancelled. Whatever that interrupts is finished by the next look, here or elsewhere."""
        while True:
            await asyncio.sleep(EVERY_S * random.uniform(1, 1.25))
            try:
                await self.sweep(datetime.now(UTC).date())
            except StorageError as error:
                log.warning("what is too old is not removed now: %s", error)
            except Exception as error:  # a defect here must not end the worker and its calls; its text may quote words
                log.error("what is too old is not removed now: %s", type(error).__name__)

    async def sweep(self, today: date) -> Collection[Removal]:
        """Look once, and return what became of everything that is too old.

        Raises:
            StorageError: the store or a disk does not do what it must.
        """
        await finish_removals(self._store)
        if not self._days:
            return []
        removals: list[Removal] = []
        before = first_kept(today, self._days)
        targets = [target async for target in outdated(self._store, self._journal_dir, before)]
        async for removal in in_order(self._remove, targets, AT_ONCE):
            removals.append(removal)
        if removals:
            log.info("sessions were older than storage.retention_days", extra={"removed": len(removals)})
        await self._forget(before - TOMBSTONES_KEPT)
        return removals

    async def _remove(self, target: Target) -> Removal:
        return await remove(self._store, self._journal_dir, target, disk=self._disk)

    async def _forget(self, before: date) -> None:
        """Remove the tombstones of sessions of days before `before`."""
        for day in await days(self._store, Span(until=before - timedelta(days=1)), f"{TOMBSTONES}/"):
            async for _ in in_order(
                self._store.delete, await self._store.list(f"{TOMBSTONES}/{day_key(day)}"), AT_ONCE
            ):
                pass


def first_kept(today: date, retention_days: int) -> date:
    """Return the first day of which everything is kept, `today` being the day in UTC."""
    return today - timedelta(days=retention_days)
