"""Journals into a stored transcript.

`publish` may run while the job still writes, and again when there is more; `finalise` is for parts that are
over: it publishes and then removes their journals. Both write the same bytes however often they run. The
journal's lines are stored beside the transcript, so that a later part is merged with what is already there.

More events replace fewer, never the reverse: what is stored is read first, and kept. One transcript comes of
a session, however many parts it has:

* On one node, whoever stores holds the session from the first read to the last write, among all tasks and
  processes whose journals are in one directory.
* Between nodes nothing is held. A journal stays unless the manifest, read again after it was written, names all
  its events. A node that writes even later may leave a manifest without them, never the store: each part's
  lines have keys of their own, and whoever stores the session next merges all that are there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from worker.metrics.definitions import EVENTS_STORED
from worker.storage import names
from worker.storage.disk import Disk
from worker.storage.errors import JournalUnreadable, SessionRemoved, StorageError, StoredDiffers
from worker.storage.journal.journals import all_held, read, remove
from worker.storage.journal.lock import session_held
from worker.storage.journal.parts import LocalJournal
from worker.storage.opening import opened
from worker.storage.stores.store import Store
from worker.storage.storing.going_on import state_beside
from worker.storage.storing.publishing import StoredTranscript, put_session, stored_manifest
from worker.storage.storing.segments import Merged
from worker.storage.storing.tombstone import discard, tombstone
from worker.transcript.integrity import State
from worker.transcript.render import FORMATS, Render

log = logging.getLogger(__name__)

NOTHING: Mapping[Path, bytes] = {}


@dataclass(frozen=True, slots=True)
class Finalised:
    """Journals that were finalised."""

    stored: StoredTranscript | None
    """What the store holds now. `None`: there was nothing to store."""
    journals: Sequence[LocalJournal]
    """What they held."""
    left: Sequence[LocalJournal]
    """Those that stay: damaged ones, of which the store does not have all."""


async def publish(
    journals: Sequence[Path],
    store: Store,
    formats: Mapping[str, Render] = FORMATS,
    memory: Mapping[Path, bytes] = NOTHING,
) -> StoredTranscript:
    """Store the transcript that `journals` tell, together with the parts that the store knows; keep them.

    Where the disk of a journal does not even let its session be held, and there are lines in memory, these are
    stored without: better a transcript than order among its writers.

    Args:
        journals: of parts of one session, each by its first file. A writer may be at work: what it is writing
            counts next time.
        store: where to.
        formats: how a transcript is rendered, by the extension of its file.
        memory: lines that are not known to be on the disk, by journal (`Journal.memory`).

    Raises:
        JournalMissing: a journal is not there.
        JournalNotTrusted: a journal holds no line that can be taken as written, or a newer version wrote it.
        JournalUnreadable: the disk does not give it.
        SessionInUse: another part of the session is being stored, for longer than one can wait.
        SessionRemoved: all that is to be stored began before the session was removed.
        StoredDiffers: the store holds other lines, or more than it can show.
        StorageUnwritable: with the reason and the remedy.
    """
    async with AsyncExitStack() as session:
        try:
            await session.enter_async_context(_session_of(journals))
        except StorageError as error:
            if not any(memory.values()):
                raise
            log.error("the transcript is stored although its session cannot be held: %s", error)
        local = [await read(path, memory.get(path, b"")) for path in journals]
        if not (kept := await _not_removed(local, store)):
            raise SessionRemoved(f"{local[0].lines.prefix} was removed: it is not stored again")
        stored, _ = await put_session(_common_prefix(kept), kept, store, formats, await _state(journals, store))
        return stored


async def finalise(
    journals: Sequence[Path],
    store: Store,
    formats: Mapping[str, Render] = FORMATS,
    disk: Disk | None = None,
) -> StoredTranscript | None:
    """Store the transcript of parts that are over, then remove their journals, and what a crash left in the store.

    A damaged journal is stored as far as it can be trusted, and stays unless the store has all of it. One without
    a whole line never had anything accepted: it is removed, and if there is no other, nothing is stored and
    `None` returned. So it is with parts that a tombstone covers.

    Raises:
        JournalInUse: a job lives, or another process is at it.
        StoredDiffers: also when the manifest, read again, does not name all events of a journal; all stay then.
        JournalMissing, JournalUnreadable, SessionInUse, StorageUnwritable: as `publish`.
    """
    return (await finalise_all(journals, store, formats, disk or Disk())).stored


async def finalise_all(journals: Sequence[Path], store: Store, formats: Mapping[str, Render], disk: Disk) -> Finalised:
    """Do the same, and tell of the journals too; raises as `finalise` does."""
    # The session first: a journal must not be held while its finaliser waits, for a new job may want it.
    async with _session_of(journals):
        with await opened(partial(_hold, journals), ExitStack.close):
            local = [await read(path) for path in journals]
            told = await _not_removed([each for each in local if each.lines.reading.records], store)
            stored, merged = None, Merged({}, {})
            if told:
                prefix = _common_prefix(told)
                stored, merged = await put_session(prefix, told, store, formats, await _state(journals, store))
            if stored is not None:
                await _vouched(merged, told, store, stored.prefix)
                await store.tidy(stored.prefix)
                if not await _not_removed(told, store):  # another node did that meanwhile
                    stored = None
            if store.leaves_the_node:
                for journal in local:
                    await store.delete(names.lease(journal.path))
                if stored is not None and stored.manifest.state == "open" and await _state(journals, store) == "final":
                    stored, merged = await put_session(stored.prefix, told, store, formats, "final")
            left = [each for each in told if not merged.whole(each.lines.started.job)]
            for journal in local:
                if journal not in left:
                    await asyncio.to_thread(remove, journal.path, disk)
                    # Not before: what is counted twice would look like more words than there were.
                    if stored is not None:
                        EVENTS_STORED.count(len(journal.lines.reading.records))
    return Finalised(stored, local, left)


async def _state(journals: Sequence[Path], store: Store) -> State:
    """Return what the manifest is to say beside these journals."""
    return await state_beside(store, journals[0].parent, journals)


def _hold(journals: Iterable[Path]) -> ExitStack:
    """Return what holds all files of all `journals`, of which none may be in use, until it is closed."""
    with ExitStack() as locks:
        for path in journals:
            locks.enter_context(all_held(path))
        return locks.pop_all()


@asynccontextmanager
async def _session_of(journals: Iterable[Path]) -> AsyncIterator[None]:
    """Hold the session whose journals these are."""
    async with AsyncExitStack() as held_here:
        for directory in await asyncio.to_thread(_directories, journals):
            await held_here.enter_async_context(session_held(directory))
        yield


def _directories(journals: Iterable[Path]) -> list[Path]:
    """Return each directory once, in an order that is the same for all: nobody waits in a circle."""
    return sorted({path.parent.resolve() for path in journals})


async def _not_removed(told: Sequence[LocalJournal], store: Store) -> Sequence[LocalJournal]:
    """Return the journals that no tombstone covers. Of the others goes what is stored."""
    if not told:
        return []
    prefix = _common_prefix(told)
    found = await tombstone(store, prefix)
    covered = [each for each in told if found is not None and found.covers(each.lines)]
    if covered:
        log.warning("what was removed is not stored again: %s", store.address(prefix))
        await discard(store, prefix, [each.lines.started.job for each in covered])
    return [each for each in told if each not in covered]


def _common_prefix(local: Sequence[LocalJournal]) -> str:
    prefixes = {journal.lines.prefix for journal in local}
    if len(prefixes) != 1:
        raise JournalUnreadable(f"{len(prefixes)} sessions in one call: finalise each by itself")
    return prefixes.pop()


async def _vouched(merged: Merged, told: Sequence[LocalJournal], store: Store, prefix: str) -> None:
    """Raise unless the manifest, as it is stored now, names all events of these journals, and their segments are there.

    A put that its process gave up with its life may land over a segment that was put since, with fewer lines.
    """
    manifest = await stored_manifest(store, prefix)
    events = {part.job: part.events for part in manifest.parts} if manifest is not None else {}
    for job in [journal.lines.started.job for journal in told]:
        here = len(merged.readings[job].records)
        if events.get(job, 0) < here:
            raise StoredDiffers(
                f"the manifest under {prefix} does not name all {here} events of job {job}: "
                "another node wrote it, the journal stays, finalise it again"
            )
    if manifest is None or not store.leaves_the_node:
        return
    sizes = {each.key: each.size for each in await store.objects(f"{prefix}/parts")}
    for name, file in manifest.files.items():
        if names.job_of_segment("", f"/{name}") is not None and sizes.get(f"{prefix}/{name}") != file.size:
            raise StoredDiffers(
                f"{prefix}/{name} is not stored as the manifest says: it was put again by another, "
                "the journal stays, finalise it again"
            )
