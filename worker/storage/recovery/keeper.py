"""What a worker does for the journals of its node while it runs.

Three duties, none of which waits for another: what dead jobs left here is finalised, as soon and as often as the
store takes it; so is what other nodes left in the store; and the journals' disk is tried and measured, so that no call
begins that could not be written down.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from worker.metrics.definitions import RECOVERED, SESSIONS_ENDED
from worker.storage.disk import Disk
from worker.storage.errors import StorageError
from worker.storage.journal import probe
from worker.storage.journal.journals import files_of
from worker.storage.journal.spool import Spool, measure
from worker.storage.patience import Patience
from worker.storage.recovery.other_nodes import OtherNodes, Rooms
from worker.storage.recovery.sweep import Outcome, State, recover
from worker.storage.stores.store import Store
from worker.storage.threads import in_own_thread
from worker.transcript.render import Render

log = logging.getLogger(__name__)
alert = logging.getLogger("verbatim.alert")

UNWRITABLE = "journal_directory_unwritable"
STORE_AWAY = "store_unavailable"
SPOOL_FILLS = "spool_nearly_full"
SPOOL_FULL = "spool_full"
"""Names of the alerts; each comes once, and once more when it is over."""

SHIPPED = "it is stored as far as its node had sent it"

Signature = tuple[tuple[str, int, int], ...]


class JournalKeeper:
    """Looks after `journal_dir` from `run` until that is cancelled, at once and then every `seconds`."""

    def __init__(
        self,
        journal_dir: Path,
        store: Store,
        formats: Mapping[str, Render],
        seconds: float,
        disk: Disk | None = None,
        spool_max: int = 0,
        rooms: Rooms | None = None,
    ) -> None:
        """Begin with nothing known.

        Args:
            journal_dir: where all journals of this node are.
            store: where transcripts go.
            formats: how a transcript is rendered, by the extension of its file.
            seconds: between two sweeps, and between two looks at the disk.
            disk: the file system, when not the machine's own.
            spool_max: bytes of journals from which on there is trouble; 0: never.
            rooms: who is asked whether agents of other nodes are still in their rooms; without, these are left alone.
        """
        self._journal_dir = journal_dir
        self._store = store
        self._formats = formats
        self._seconds = seconds
        self._disk = disk or Disk()
        self._probing: asyncio.Task[None] | None = None
        self._unwritable: str | None = None
        self._store_trouble: str | None = None
        self._patience = Patience(seconds)
        self._other_nodes = OtherNodes(journal_dir, store, formats, rooms) if rooms is not None else None
        self._rooms_trouble: str | None = None
        self._spool = Spool(max_size=spool_max)
        self._spared: dict[Path, Signature] = {}
        self._said: set[tuple[Path, str]] = set()

    @property
    def trouble(self) -> str | None:
        """Why no call should begin now, as a sentence, or `None`."""
        if self._unwritable is None and self._spool.full:
            return self._full()
        return self._unwritable

    @property
    def store_trouble(self) -> str | None:
        """Why the store takes nothing now, as a sentence, or `None`. Calls are taken all the same."""
        return self._store_trouble

    @property
    def spool(self) -> Spool:
        """What was in the journal directory at the last look."""
        return self._spool

    async def run(self) -> None:
        """Go on until cancelled. Whatever that interrupts is finished by the next sweep, here or elsewhere."""
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self._sweeping())
                if self._other_nodes is not None:
                    duties.create_task(self._sweeping_other_nodes(self._other_nodes))
                duties.create_task(self._watching())
        finally:
            if self._probing is not None:
                self._probing.cancel()

    async def sweep(self) -> None:
        """Finalise what dead jobs left on this node; what cannot be is logged, once a reason.

        While the store is away this is one attempt, however many journals wait.
        """
        try:
            outcomes = await recover(
                self._journal_dir,
                self._store,
                self._formats,
                spared=self._is_spared,
                disk=self._disk,
            )
            for outcome in outcomes:
                await self._take(outcome)
            self._notice_store([outcome for outcome in outcomes if outcome.state is State.WAITING])
        except StorageError as error:
            self._complain(self._journal_dir, str(error))
        except Exception as error:  # a defect here must not end the worker and its calls; its text may quote words
            self._complain(self._journal_dir, f"{self._journal_dir} cannot be swept ({type(error).__name__})")

    async def sweep_other_nodes(self, other_nodes: OtherNodes) -> None:
        """Finish what other nodes left in the store; what cannot be is logged, once a reason."""
        try:
            outcomes = await other_nodes.sweep()
            for outcome in outcomes:
                await self._take(outcome)
            self._notice_rooms(outcomes)
        except StorageError as error:
            self._complain(self._journal_dir, f"what other nodes left is not looked for: {error}")
        except Exception as error:  # a defect here must not end the worker and its calls; its text may quote words
            reason = f"what other nodes left is not looked for ({type(error).__name__})"
            self._complain(self._journal_dir, reason)

    async def watch(self) -> None:
        """Try whether journals can be written, look how many there are, and alert when something has changed."""
        before, self._unwritable = self._unwritable, await self._probe()
        if self._unwritable is None:
            await self._measure()
        again = "%s holds journals again: calls are taken"
        self._alert(UNWRITABLE, before, self._unwritable, "no calls are taken: %s", again)

    async def _measure(self) -> None:
        before = self._spool
        with contextlib.suppress(OSError):  # gone this moment: the next probe says more
            self._spool = await in_own_thread(partial(measure, self._journal_dir, before.max_size))
        full = self._full() if self._spool.full else None
        fills = self._full() if self._spool.nearly_full else None
        again = "%s has room for journals again"
        self._alert(SPOOL_FILLS, before.nearly_full or None, fills, "soon no calls are taken: %s", again)
        self._alert(SPOOL_FULL, before.full or None, full, "no calls are taken: %s", f"{again}: calls are taken")

    def _full(self) -> str:
        why = self._store_trouble or "storage.url takes too little"
        return (
            f"{self._journal_dir} holds {self._spool} ({why}): mend the store, or make storage.spool_max_mb larger "
            "where the disk has room"
        )

    def _notice_store(self, waiting: Sequence[Outcome]) -> None:
        before, self._store_trouble = self._store_trouble, waiting[0].reason if waiting else None
        told = f"{self._store_trouble}; {len(waiting)} journals wait in {self._journal_dir}" if waiting else None
        message = "the store takes what waited in %s"
        self._alert(STORE_AWAY, before, told, "transcripts are not stored now: %s", message)

    def _notice_rooms(self, outcomes: Sequence[Outcome]) -> None:
        reasons = [each.reason for each in outcomes if each.state is State.WAITING and not each.by_store]
        before, self._rooms_trouble = self._rooms_trouble, reasons[0] if reasons else None
        if self._rooms_trouble is not None and before is None:
            log.warning("calls of other nodes are not finished (%d): %s", len(reasons), self._rooms_trouble)

    def _alert(self, name: str, before: object, now: str | None, begins: str, ends: str) -> None:
        if now is not None and before is None:
            alert.error(begins, now, extra={"alert": name})
        if now is None and before is not None:
            alert.warning(ends, self._journal_dir, extra={"alert": name, "over": True})

    async def _sweeping(self) -> None:
        while True:
            await self.sweep()
            await asyncio.sleep(self._patience.after(failed=self._store_trouble is not None))

    async def _sweeping_other_nodes(self, other_nodes: OtherNodes) -> None:
        patience = Patience(self._seconds)
        while True:
            await self.sweep_other_nodes(other_nodes)
            await asyncio.sleep(patience.after(failed=False))

    async def _watching(self) -> None:
        while True:
            await self.watch()
            await asyncio.sleep(self._seconds)

    async def _probe(self) -> str | None:
        """Try once, and return what went wrong.

        Where a disk that hangs still owes the answer of the last time, that is waited for: by one thread, not many.
        """
        if self._probing is None or self._probing.done():
            work = partial(probe.probe, self._journal_dir, self._disk)
            self._probing = asyncio.create_task(in_own_thread(work))
        await asyncio.wait({self._probing}, timeout=probe.DEADLINE_S)
        if not self._probing.done():
            return str(probe.no_answer(self._journal_dir))
        match self._probing.exception():
            case None:
                return None
            case StorageError() as error:
                return str(error)
            case error:
                return f"{self._journal_dir} cannot be tried ({type(error).__name__}): start the worker again"

    async def _take(self, outcome: Outcome) -> None:
        match outcome.state:
            case State.FINALISED if outcome.lease:
                fields = _fields(outcome) | {"stored": outcome.address}
                log.warning("a call whose node is lost was finished: %s", outcome.reason or SHIPPED, extra=fields)
                RECOVERED.count(origin="other_node")
            case State.FINALISED if outcome.address:
                log.info("a call whose job had died was stored", extra=_fields(outcome) | {"stored": outcome.address})
                RECOVERED.count(origin="this_node")
                if outcome.crashed:
                    SESSIONS_ENDED.count(reason="crashed")
            case State.LEFT:
                self._complain(outcome.journal, outcome.reason)
                if outcome.lasting and not outcome.lease:
                    self._spared[outcome.journal] = await asyncio.to_thread(_signature, outcome.journal)
            case _:
                pass

    def _is_spared(self, journal: Path) -> bool:
        """Return whether the journal was left for good, and is as it was then."""
        return journal in self._spared and self._spared[journal] == _signature(journal)

    def _complain(self, about: Path, reason: str) -> None:
        if (about, reason) not in self._said:
            self._said.add((about, reason))
            log.error("%s", reason)


def _fields(outcome: Outcome) -> dict[str, str]:
    return {"transcript": outcome.transcript_id, "job_id": outcome.job}


def _signature(journal: Path) -> Signature:
    """Return what tells whether a journal was changed. Blocks."""
    try:
        states = [(path.name, path.stat()) for path in files_of(journal)]
    except OSError:
        return ()
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)
