"""What a running call's journal takes leaves the node within seconds, so that the node may be lost.

Lines go to the store in segments, `parts/<job>/000001.jsonl` and so on, whose content is fixed at the first
attempt: an attempt that was given up may still land, and then it changes nothing. Beside them a lease says that the
part lives, and where its segments are; it is written before the first of them, renewed while the call runs, and
removed by whoever has finalised the part.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from worker.metrics.definitions import UPLOAD_FAILURES, UPLOAD_LAG, UPLOAD_OLDEST, UPLOADS
from worker.storage import names
from worker.storage.errors import StorageUnwritable
from worker.storage.patience import Patience
from worker.storage.stores.store import Store
from worker.storage.storing.leases import Lease

SHIP_AFTER_S = 3.0
"""How long a line may wait for others to go along; with the put itself it is away 5 s after it was accepted."""

RENEW_S = 30.0
"""Between two renewals of a lease. Source: DESIGN 3.6."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 15.0
"""Before a put that failed is tried again. Well below the 60 s after which a lease is old."""

log = logging.getLogger(__name__)


class Shipper:
    """Ships one part's journal, from `start` to `stop`. For one event loop's thread."""

    def __init__(self, open_store: Callable[[], Awaitable[Store]], journal: Path, job: str, lease: Lease) -> None:
        """Begin with nothing to ship.

        Args:
            open_store: returns where to; may raise StorageUnwritable, and is asked again then.
            journal: the part's journal, by its first file.
            job: the part's job.
            lease: the lease's content.
        """
        self._open_store = open_store
        self._lease_key = names.lease(journal)
        self._lease = lease
        self._job = job
        self._lines: list[bytes] = []
        self._news = asyncio.Event()
        self._leased = asyncio.Event()
        self._number = 0
        self._unconfirmed: tuple[str, bytes] | None = None
        self._waits_since: float | None = None
        self._unconfirmed_since: float | None = None
        self._puts: set[asyncio.Task[None]] = set()
        self._duties: list[asyncio.Task[None]] = []
        self._complained = False

    def take(self, line: bytes) -> None:
        """Ship `line` after all before it. Returns at once."""
        if self._waits_since is None:
            self._waits_since = time.time()
            self._tell_oldest()
        self._lines.append(line)
        self._news.set()

    def start(self) -> None:
        """Go to work."""
        self._duties = [asyncio.create_task(self._renewing()), asyncio.create_task(self._shipping())]

    async def stop(self) -> None:
        """Begin no segment any more, and wait for the one that is on its way. May be called again.

        Raises:
            StorageUnwritable: it is not known whether that one is stored; nothing else may be put in its place.
        """
        for duty in self._duties:
            duty.cancel()
        await asyncio.gather(*self._duties, return_exceptions=True)
        self._duties.clear()
        await asyncio.gather(*self._puts, return_exceptions=True)
        if self._unconfirmed is not None:
            await self._put(self._unconfirmed)
        # What is left goes with the transcript; where that fails, the journal rests, and is seen as such.
        self._waits_since = None
        self._tell_oldest()

    async def _shipping(self) -> None:
        await self._leased.wait()
        while True:
            await self._news.wait()
            await asyncio.sleep(SHIP_AFTER_S)
            self._news.clear()
            lines, self._lines = self._lines, []
            self._unconfirmed_since, self._waits_since = self._waits_since, None
            self._number += 1
            self._unconfirmed = names.segment(self._lease.prefix, self._job, self._number), b"".join(lines)
            await self._persist(self._unconfirmed)

    async def _renewing(self) -> None:
        while True:
            await self._persist((self._lease_key, self._lease.encode()))
            self._leased.set()
            await asyncio.sleep(RENEW_S)

    async def _persist(self, put: tuple[str, bytes]) -> None:
        """Put until the store has confirmed. Where the wait is cancelled, a put that is on its way goes on."""
        patience = Patience(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while True:
            putting = asyncio.create_task(self._put(put))
            self._puts.add(putting)
            putting.add_done_callback(self._puts.discard)
            try:
                await asyncio.shield(putting)
                return
            except StorageUnwritable as error:
                self._complain(str(error))
            except Exception as error:  # a defect must not end the duty: what it owes is owed still
                self._complain(type(error).__name__)
            await asyncio.sleep(patience.after(failed=True))

    async def _put(self, put: tuple[str, bytes]) -> None:
        kind = "lease" if put[0] == self._lease_key else "segment"
        try:
            await (await self._open_store()).put(*put)
        except Exception:
            UPLOAD_FAILURES.count(kind=kind)
            raise
        UPLOADS.count(kind=kind)
        if put is self._unconfirmed:
            if self._unconfirmed_since is not None:
                UPLOAD_LAG.observe(time.time() - self._unconfirmed_since)
            self._unconfirmed = self._unconfirmed_since = None
            self._tell_oldest()

    def _tell_oldest(self) -> None:
        UPLOAD_OLDEST.is_so(self._waits_since if self._unconfirmed_since is None else self._unconfirmed_since)

    def _complain(self, reason: str) -> None:
        if not self._complained:
            self._complained = True
            log.warning("the running call does not leave this node: %s", reason)
