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

from pydantic import ValidationError

from worker.storage import names
from worker.storage.disk import Disk
from worker.storage.errors import JournalUnreadable, StorageError, StoredDiffers
from worker.storage.journals import all_held, read, remove
from worker.storage.lock import session_held
from worker.storage.opening import opened
from worker.storage.parts import LocalJournal
from worker.storage.segments import Merged, StoredPart, got, merge, stored_parts
from worker.storage.store import Store
from worker.transcript.integrity import FORMAT, Manifest, manifest_of, stored_file
from worker.transcript.model import Transcript
from worker.transcript.render import FORMATS, Render
from worker.transcript.replay import replay

log = logging.getLogger(__name__)

NOTHING: Mapping[Path, bytes] = {}


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """A session as the store holds it now."""

    prefix: str
    keys: tuple[str, ...]
    """Of every file, the manifest last."""
    transcript: Transcript
    manifest: Manifest


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
        stored, _ = await _publish(local, store, formats)
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
    `None` returned.

    Raises:
        JournalInUse: a job lives, or another process is at it.
        StoredDiffers: also when the manifest, read again, does not name all events of a journal; all stay then.
        JournalMissing, JournalUnreadable, SessionInUse, StorageUnwritable: as `publish`.
    """
    disk = disk or Disk()
    # The session first: a journal must not be held while its finaliser waits, for a new job may want it.
    async with _session_of(journals):
        with await opened(partial(_hold, journals), ExitStack.close):
            local = [await read(path) for path in journals]
            told = [each for each in local if each.lines.reading.records]
            stored, merged = await _publish(told, store, formats) if told else (None, Merged({}, {}))
            if stored is not None:
                await _vouched(merged, told, store, stored.prefix)
                await store.tidy(stored.prefix)
            if store.leaves_the_node:
                for journal in local:
                    await store.delete(names.lease(journal.path))
            for journal in local:
                if journal not in told or merged.whole(journal.lines.started.job):
                    await asyncio.to_thread(remove, journal.path, disk)
    return stored


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


async def _publish(
    local: Sequence[LocalJournal], store: Store, formats: Mapping[str, Render]
) -> tuple[StoredTranscript, Merged]:
    prefix = _common_prefix(local)
    stored = await stored_parts(store, prefix)
    old = await _stored_manifest(store, prefix)
    content = await asyncio.to_thread(_compose, prefix, local, stored, _formats(formats, old))
    same_events = old is not None and old.parts == content.manifest.parts
    # A final transcript keeps the form that it was rendered in, whatever this version would make of it.
    if old is not None and same_events and await _as_described(store, prefix, old):
        return _stored(prefix, content.transcript, old), content.merged
    manifest = content.manifest
    if old is not None:
        _refuse_fewer_events(old, manifest, prefix)
        generation = old.generation if same_events else old.generation + 1
        manifest = manifest.model_copy(update={"generation": generation})
    for key, data in content.new.items():
        await store.put(key, data)
    await store.put(f"{prefix}/{names.MANIFEST}", manifest.encode())
    return _stored(prefix, content.transcript, manifest), content.merged


def _stored(prefix: str, transcript: Transcript, manifest: Manifest) -> StoredTranscript:
    keys = tuple(f"{prefix}/{name}" for name in (*manifest.files, names.MANIFEST))
    return StoredTranscript(prefix, keys, transcript, manifest)


@dataclass(frozen=True, slots=True)
class _Content:
    """What the store is to hold."""

    merged: Merged
    transcript: Transcript
    manifest: Manifest
    new: dict[str, bytes]
    """What is to be put, by key, in this order; the manifest comes after it."""


def _compose(
    prefix: str,
    local: Sequence[LocalJournal],
    stored: Mapping[str, StoredPart],
    formats: Mapping[str, Render],
) -> _Content:
    """Merge what is here with what is stored, and render it."""
    merged = merge(prefix, local, stored)
    transcript = replay(list(merged.readings.values()))
    new = dict(merged.missing)
    new |= {f"{prefix}/transcript.{format}": render(transcript).encode() for format, render in formats.items()}
    segments = {key: data for part in stored.values() for key, data in part.segments.items()}
    files = {key.removeprefix(f"{prefix}/"): data for key, data in (segments | new).items()}
    return _Content(merged, transcript, manifest_of(transcript, merged.readings, files, generation=1), new)


def _formats(wanted: Mapping[str, Render], old: Manifest | None) -> Mapping[str, Render]:
    """Return what is wanted and what is stored already: a form once stored never lags behind."""
    stored = old.files if old is not None else {}
    return {format: FORMATS[format] for format in FORMATS if f"transcript.{format}" in stored} | dict(wanted)


def _refuse_fewer_events(old: Manifest, manifest: Manifest, prefix: str) -> None:
    events = {part.job: part.events for part in manifest.parts}
    for part in old.parts:
        here = events.get(part.job, 0)
        if here < part.events:
            raise StoredDiffers(
                f"the transcript under {prefix} was made from {part.events} events of job {part.job}, "
                f"and only {here} are here: nothing was changed"
            )


async def _vouched(merged: Merged, told: Sequence[LocalJournal], store: Store, prefix: str) -> None:
    """Raise unless the manifest, as it is stored now, names all events of these journals."""
    manifest = await _stored_manifest(store, prefix)
    events = {part.job: part.events for part in manifest.parts} if manifest is not None else {}
    for job in [journal.lines.started.job for journal in told]:
        here = len(merged.readings[job].records)
        if events.get(job, 0) < here:
            raise StoredDiffers(
                f"the manifest under {prefix} does not name all {here} events of job {job}: "
                "another node wrote it, the journal stays, finalise it again"
            )


async def _stored_manifest(store: Store, prefix: str) -> Manifest | None:
    key = f"{prefix}/{names.MANIFEST}"
    content = await store.get(key)
    if content is None:
        return None
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError:
        raise StoredDiffers(
            f"{store.address(key)} cannot be read as a manifest: nothing was changed; a newer version may read it, "
            "and where none does, move it away: it is made anew from the lines beside it"
        ) from None
    if manifest.format != FORMAT:
        raise StoredDiffers(
            f"{store.address(key)} has the form {manifest.format}, this version writes {FORMAT}: "
            "nothing was changed, finalise it with a newer version"
        )
    return manifest


async def _as_described(store: Store, prefix: str, manifest: Manifest) -> bool:
    """Return whether every file is stored as the manifest says."""
    contents = await got(store, [f"{prefix}/{name}" for name in manifest.files])
    wanted = {f"{prefix}/{name}": described for name, described in manifest.files.items()}
    return {key: stored_file(content) for key, content in contents.items()} == wanted


def _common_prefix(local: Sequence[LocalJournal]) -> str:
    prefixes = {journal.lines.prefix for journal in local}
    if len(prefixes) != 1:
        raise JournalUnreadable(f"{len(prefixes)} sessions in one call: finalise each by itself")
    return prefixes.pop()
