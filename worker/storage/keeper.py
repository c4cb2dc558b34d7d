"""What a worker does for the journals of its node while it runs.

Two duties, neither of which waits for the other: what dead jobs left is finalised, and the journals' disk is
tried, so that no call begins that could not be written down.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from worker.storage import probe
from worker.storage.disk import Disk
from worker.storage.errors import StorageError
from worker.storage.journals import files_of
from worker.storage.recovery import Outcome, State, recover
from worker.storage.store import Store
from worker.storage.threads import in_own_thread
from worker.transcript.render import Render

log = logging.getLogger(__name__)
alert = logging.getLogger("verbatim.alert")

UNWRITABLE = "journal_directory_unwritable"
"""Name of the alert."""

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
    ) -> None:
        self._journal_dir = journal_dir
        self._store = store
        self._formats = formats
        self._seconds = seconds
        self._disk = disk or Disk()
        self._probing: asyncio.Task[None] | None = None
        self._trouble: str | None = None
        self._spared: dict[Path, Signature] = {}
        self._said: set[tuple[Path, str]] = set()

    @property
    def trouble(self) -> str | None:
        """Why no journal can be begun now, as a sentence, or `None`."""
        return self._trouble

    async def run(self) -> None:
        """Go on until cancelled. Whatever that interrupts is finished by the next sweep, here or elsewhere."""
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self._sweeping())
                duties.create_task(self._watching())
        finally:
            if self._probing is not None:
                self._probing.cancel()

    async def sweep(self) -> None:
        """Finalise what dead jobs left; what cannot be is logged, once a reason."""
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
        except StorageError as error:
            self._complain(self._journal_dir, str(error))
        except Exception as error:  # a defect here must not end the worker and its calls; its text may quote words
            self._complain(self._journal_dir, f"{self._journal_dir} cannot be swept ({type(error).__name__})")

    async def watch(self) -> None:
        """Try whether journals can be written, and alert when that has changed."""
        before, self._trouble = self._trouble, await self._probe()
        if self._trouble is not None and before is None:
            alert.error("no calls are taken: %s", self._trouble, extra={"alert": UNWRITABLE})
        if self._trouble is None and before is not None:
            message = "%s holds journals again: calls are taken"
            alert.warning(message, self._journal_dir, extra={"alert": UNWRITABLE, "over": True})

    async def _sweeping(self) -> None:
        while True:
            await self.sweep()
            await asyncio.sleep(self._seconds)

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
            case State.FINALISED if outcome.address:
                log.info("a call whose job had died was stored", extra=_fields(outcome) | {"stored": outcome.address})
            case State.LEFT:
                self._complain(outcome.journal, outcome.reason)
                if outcome.lasting:
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
    return {"transcript": outcome.transcript_id, "job": outcome.job}


def _signature(journal: Path) -> Signature:
    """Return what tells whether a journal was changed. Blocks."""
    try:
        states = [(path.name, path.stat()) for path in files_of(journal)]
    except OSError:
        return ()
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)
