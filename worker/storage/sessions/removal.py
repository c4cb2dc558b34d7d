"""Sessions that go for good: what is stored of them, and their journals on this node.

The tombstone is first, so that whatever happens in between, nothing comes back. What a crash leaves half done is
noted under `removing/`, and finished by a worker's next look, or by removing the session again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from worker.storage import names
from worker.storage.concurrency import in_order
from worker.storage.disk import Disk
from worker.storage.errors import JournalInUse, JournalMissing, JournalUnreadable, SessionInUse, StorageError
from worker.storage.journal.journals import all_held, journals_in
from worker.storage.journal.journals import remove as remove_journal
from worker.storage.journal.lock import session_held
from worker.storage.journal.parts import PartLines
from worker.storage.opening import opened
from worker.storage.stores.places import day_of
from worker.storage.stores.store import Store
from worker.storage.storing.leases import OpenPart, open_parts
from worker.storage.storing.tombstone import Tombstone, discard, key, tombstone, tombstone_of
from worker.transcript.integrity import Manifest

REMOVALS = "removing"
"""What the keys of removals that are under way begin with."""

NOTE = "begun"

LEASE_AGE = timedelta(seconds=60)
"""Age from which a part with a lease is no running call. Source: DESIGN 3.6."""

ROUNDS = 5
"""How often a session is listed until nothing of it is there."""


@dataclass(frozen=True, slots=True)
class Target:
    """A session that is to go."""

    transcript_id: str
    prefix: str = ""
    """The key under which it is stored; empty where nothing says where that would be."""
    journals: tuple[Path, ...] = ()
    """On this node, as far as they are known; those in the session's own directory are looked for."""
    outdated: datetime | None = None
    """It goes because it ended then, and stays if it has gone on since."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one session."""

    target: Target
    objects: int = 0
    """Stored ones that went, or would."""
    journals: tuple[Path, ...] = ()
    """On this node, that went or would."""
    refused: str = ""
    """Why it stays, as a sentence."""


async def remove(
    store: Store, journal_dir: Path, target: Target, *, dry_run: bool = False, disk: Disk | None = None
) -> Removal:
    """Remove a session, and say what went. A call that runs, here or on another node, stays as it is.

    Args:
        store: where it is.
        journal_dir: where the journals of this node are.
        target: which.
        dry_run: change nothing, only tell.
        disk: the file system, when not the machine's own.

    Raises:
        StorageError: the store or a disk does not do what it must; doing it again goes on where this ended.
    """
    disk = disk or Disk()
    journals = await asyncio.to_thread(_journals, journal_dir, target)
    try:
        async with _held(journals):
            objects = await _remove_stored(store, target, journals, dry_run) if target.prefix else 0
            for journal in journals if not dry_run else ():
                await asyncio.to_thread(remove_journal, journal, disk)
    except JournalInUse:
        return Removal(target, refused=f"{target.transcript_id} is still running: remove it when the call is over")
    except SessionInUse as error:
        return Removal(target, refused=str(error))
    if target.prefix and not dry_run:
        await store.delete(_note(target.prefix))
    return Removal(target, objects, journals)


async def finish_removals(store: Store) -> int:
    """Finish what was begun to be removed and did not end, and return how many sessions that were. One listing."""
    unfinished = await store.list(REMOVALS)
    for note in unfinished:
        prefix = note.removeprefix(f"{REMOVALS}/").removesuffix(f"/{NOTE}")
        grave = await tombstone(store, prefix) if day_of(prefix) is not None else None
        if grave is not None:
            await _finish(store, prefix, grave)
        await store.delete(note)
    return len(unfinished)


def _journals(journal_dir: Path, target: Target) -> tuple[Path, ...]:
    """Return the session's journals here; a part may have begun since somebody looked. Blocks.

    Raises:
        JournalUnreadable: their directory cannot be listed.
    """
    if not target.prefix:
        return target.journals
    directory = journal_dir / target.prefix.rpartition("/")[2]
    try:
        return tuple(sorted({*target.journals, *journals_in(directory)}))
    except OSError as error:
        raise JournalUnreadable(f"{directory} cannot be listed ({error.strerror}): check the disk") from None


async def _remove_stored(store: Store, target: Target, journals: Collection[Path], dry_run: bool) -> int:
    prefix = target.prefix
    now = datetime.now(UTC)
    if not dry_run:
        await store.put(_note(prefix), b"{}\n")
        # Leases have their times by the store's clock, and so has this.
        now = max([each.modified for each in await store.objects(f"{REMOVALS}/{prefix}")], default=now)
    leases, _ = await open_parts(store, prefix.rpartition("/")[2])
    ended = ended_at(await store.get(f"{prefix}/{names.MANIFEST}"))
    try:
        _check_that_over(target, leases, journals, ended, now)
    except StorageError:
        if not dry_run:
            await store.delete(_note(prefix))
        raise
    objects = await store.list(prefix)
    if not dry_run:
        jobs = _jobs(prefix, objects)
        # A node whose clock is ahead of ours has not begun a new part by that.
        covers_to = target.outdated or max(filter(None, (datetime.now(UTC), ended)))
        grave = tombstone_of(parts=len(jobs), objects=len(objects), covers_to=covers_to)
        await store.put(key(prefix), grave.encode())
        for lease in leases:
            await store.delete(lease.key)
        await store.tidy(prefix)
        await _erase(store, prefix, objects, jobs)
    return len(objects)


def _check_that_over(
    target: Target, leases: Collection[OpenPart], journals: Collection[Path], ended: datetime | None, now: datetime
) -> None:
    """Raise unless the session may go.

    Raises:
        JournalInUse: a part of it runs on another node.
        SessionInUse: it is outdated no longer.
    """
    dead_here = {journal.stem for journal in journals}
    if any(lease.job not in dead_here and now - lease.modified < LEASE_AGE for lease in leases):
        raise JournalInUse(f"{target.prefix} is in use on another node")
    if target.outdated is not None and (leases or journals or (ended is not None and ended > target.outdated)):
        raise SessionInUse(f"{target.prefix} has gone on: it is not too old any more, or not finished")


async def _erase(store: Store, prefix: str, objects: Collection[str], jobs: Collection[str]) -> None:
    """Delete what is under `prefix`, the manifest first, until nothing is there; a part that begins meanwhile stays.

    Args:
        store: where it is.
        prefix: the session's key.
        objects: what is there.
        jobs: the encoded jobs of the parts that are to go.
    """
    manifest = f"{prefix}/{names.MANIFEST}"
    for _round in range(ROUNDS):
        if _jobs(prefix, objects) - set(jobs):
            objects = [each for each in objects if names.job_of_segment(prefix, each) in jobs]
        if not objects:
            return
        if manifest in objects:
            await store.delete(manifest)
        async for _ in in_order(store.delete, [each for each in objects if each != manifest]):
            pass
        objects = await store.list(prefix)
    if objects:
        raise SessionInUse(f"{prefix} is being stored by another node: remove it again later")


def _jobs(prefix: str, objects: Collection[str]) -> set[str]:
    """Return the encoded jobs of the parts of which there are segments."""
    return {job for each in objects if (job := names.job_of_segment(prefix, each)) is not None}


async def _finish(store: Store, prefix: str, grave: Tombstone) -> None:
    """Go on with a removal; a part that is there since, and not covered, stays."""
    objects = await store.list(prefix)
    firsts: dict[str, str] = {}
    for each in objects:
        if (job := names.job_of_segment(prefix, each)) is not None:
            firsts.setdefault(job, each)
    kept: set[str] = set()
    for job, first in firsts.items():
        lines = PartLines.of(await store.get(first) or b"")
        if lines.reading.records and not grave.covers(lines):
            kept.add(job)
    if kept:
        await discard(store, prefix, [unquote(job) for job in firsts.keys() - kept])
    else:
        await _erase(store, prefix, objects, firsts.keys())


@asynccontextmanager
async def _held(journals: Iterable[Path]) -> AsyncIterator[None]:
    """Hold all that is here of a session whose jobs are dead.

    Raises:
        JournalInUse, SessionInUse: a job lives, or another process is at it.
    """
    async with AsyncExitStack() as held:
        for directory in sorted({journal.parent for journal in journals}):
            try:
                await held.enter_async_context(session_held(directory))
            except JournalMissing:  # finalised this moment
                continue
        with await opened(partial(_hold, journals), ExitStack.close):
            yield


def _hold(journals: Iterable[Path]) -> ExitStack:
    with ExitStack() as locks:
        for journal in journals:
            try:
                locks.enter_context(all_held(journal))
            except JournalMissing:
                continue
        return locks.pop_all()


def _note(prefix: str) -> str:
    return f"{REMOVALS}/{prefix}/{NOTE}"


def ended_at(manifest: bytes | None) -> datetime | None:
    """Return when a session ended, as its manifest says; `None` where there is none that can be read."""
    try:
        ended = datetime.fromisoformat(Manifest.model_validate_json(manifest or b"").ended_at)
    except ValueError:  # no manifest, or a time that is none
        return None
    return ended.replace(tzinfo=ended.tzinfo or UTC)
