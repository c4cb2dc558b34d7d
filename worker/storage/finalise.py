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
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from worker.storage import names
from worker.storage.disk import Disk
from worker.storage.errors import JournalMissing, JournalUnreadable, StoredDiffers
from worker.storage.lock import held, session_held
from worker.storage.segments import PartLines, StoredPart, completed, stored_parts
from worker.storage.store import Store
from worker.transcript.errors import LineNewer
from worker.transcript.events import PartStarted
from worker.transcript.integrity import Manifest, manifest_of, stored_file
from worker.transcript.model import Transcript
from worker.transcript.reading import Reading
from worker.transcript.render import FORMATS
from worker.transcript.replay import replay, transcript_id


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """A session as the store holds it now."""

    prefix: str
    keys: tuple[str, ...]
    """Of every file, the manifest last."""
    transcript: Transcript
    manifest: Manifest


async def publish(journals: Sequence[Path], store: Store, formats: Sequence[str] = tuple(FORMATS)) -> StoredTranscript:
    """Store the transcript that `journals` tell, together with the parts that the store knows; keep them.

    Args:
        journals: files of parts of one session. A writer may be at work: what it is writing counts next time.
        store: where to.
        formats: which of `render.FORMATS`.

    Raises:
        JournalMissing: a journal is not there.
        JournalUnreadable: a journal holds no line that can be taken as written, or a newer version wrote it.
        SessionInUse: another part of the session is being stored, for longer than one can wait.
        StoredDiffers: the store holds other lines, or more than it can show.
        StorageUnwritable: with the reason and the remedy.
    """
    async with _session_of(journals):
        local = [await asyncio.to_thread(_read, path) for path in journals]
        return await _publish(local, store, formats)


async def finalise(
    journals: Sequence[Path],
    store: Store,
    formats: Sequence[str] = tuple(FORMATS),
    disk: Disk | None = None,
) -> StoredTranscript | None:
    """Store the transcript of parts that are over, then remove their journals.

    A damaged journal is stored as far as it can be trusted, and stays. One without a whole line never had
    anything accepted: it is removed, and if there is no other, nothing is stored and `None` returned.

    Raises:
        JournalInUse: a job lives, or another process is at it.
        StoredDiffers: also when the manifest, read again, does not name all events of a journal; all stay then.
        JournalMissing, JournalUnreadable, SessionInUse, StorageUnwritable: as `publish`.
    """
    disk = disk or Disk()
    # The session first: a journal must not be held while its finaliser waits, for a new job may want it.
    async with _session_of(journals):
        with ExitStack() as locks:
            for path in journals:
                await asyncio.to_thread(locks.enter_context, held(path))
            local = {path: await asyncio.to_thread(_read, path) for path in journals}
            told = [lines for lines in local.values() if lines.reading.records]
            stored = await _publish(told, store, formats) if told else None
            if stored is not None:
                await _vouched(told, store, stored.prefix)
            for path, lines in local.items():
                if lines.reading.stop is None or lines.reading.torn:
                    await asyncio.to_thread(disk.remove, path)
    return stored


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


def _read(path: Path) -> PartLines:
    try:
        lines = PartLines.of(path.read_bytes())
    except FileNotFoundError:
        raise JournalMissing(f"{path} is not there: it was finalised already, or never written") from None
    except OSError as error:
        raise JournalUnreadable(f"{path} cannot be read ({error.strerror}): check the disk") from None
    stop = lines.reading.stop
    if isinstance(stop, LineNewer):
        raise JournalUnreadable(f"{path}, {stop}: finalise it with that version")
    if stop is not None and not lines.reading.torn and not lines.reading.records:
        raise JournalUnreadable(f"{path}, {stop}: it was damaged from the first line on, nothing was stored")
    return lines


async def _publish(local: Sequence[PartLines], store: Store, formats: Sequence[str]) -> StoredTranscript:
    prefix = _common_prefix(local)
    stored = await stored_parts(store, prefix)
    old = await _stored_manifest(store, prefix)
    content = await asyncio.to_thread(_compose, prefix, local, stored, _formats(formats, old))
    same_events = old is not None and old.parts == content.manifest.parts
    # A final transcript keeps the form that it was rendered in, whatever this version would make of it.
    if old is not None and same_events and await _as_described(store, prefix, old):
        return _stored(prefix, content.transcript, old)
    manifest = content.manifest
    if old is not None:
        _refuse_fewer_events(old, manifest, prefix)
        generation = old.generation if same_events else old.generation + 1
        manifest = manifest.model_copy(update={"generation": generation})
    for key, data in content.new.items():
        await store.put(key, data)
    await store.put(f"{prefix}/{names.MANIFEST}", manifest.encode())
    return _stored(prefix, content.transcript, manifest)


def _stored(prefix: str, transcript: Transcript, manifest: Manifest) -> StoredTranscript:
    keys = tuple(f"{prefix}/{name}" for name in (*manifest.files, names.MANIFEST))
    return StoredTranscript(prefix, keys, transcript, manifest)


@dataclass(frozen=True, slots=True)
class _Content:
    """What the store is to hold."""

    transcript: Transcript
    manifest: Manifest
    new: dict[str, bytes]
    """What is to be put, by key, in this order; the manifest comes after it."""


def _compose(
    prefix: str, local: Sequence[PartLines], stored: dict[str, StoredPart], formats: Sequence[str]
) -> _Content:
    """Merge what is here with what is stored, and render it."""
    parts = {job: PartLines.of(part.data) for job, part in stored.items()}
    segments = {key: data for part in stored.values() for key, data in part.segments.items()}
    new: dict[str, bytes] = {}
    for lines in local:
        job = _started(lines.reading).job
        known = stored.get(names.encode(job), StoredPart({}))
        parts[names.encode(job)], missing = completed(prefix, job, lines, known)
        new |= missing
    readings = {_started(part.reading).job: part.reading for part in parts.values()}
    transcript = replay(list(readings.values()))
    new |= {f"{prefix}/transcript.{format}": FORMATS[format](transcript).encode() for format in formats}
    files = {key.removeprefix(f"{prefix}/"): data for key, data in (segments | new).items()}
    return _Content(transcript, manifest_of(transcript, readings, files, generation=1), new)


def _formats(wanted: Sequence[str], old: Manifest | None) -> list[str]:
    """Return what is wanted and what is stored already: a form once stored never lags behind."""
    stored = old.files if old is not None else {}
    return [format for format in FORMATS if format in wanted or f"transcript.{format}" in stored]


def _refuse_fewer_events(old: Manifest, manifest: Manifest, prefix: str) -> None:
    events = {part.job: part.events for part in manifest.parts}
    for part in old.parts:
        here = events.get(part.job, 0)
        if here < part.events:
            raise StoredDiffers(
                f"the transcript under {prefix} was made from {part.events} events of job {part.job}, "
                f"and only {here} are here: nothing was changed"
            )


async def _vouched(told: Sequence[PartLines], store: Store, prefix: str) -> None:
    """Raise unless the manifest, as it is stored now, names all events of these journals."""
    manifest = await _stored_manifest(store, prefix)
    events = {part.job: part.events for part in manifest.parts} if manifest is not None else {}
    for lines in told:
        job, here = _started(lines.reading).job, len(lines.reading.records)
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
        return Manifest.model_validate_json(content)
    except ValidationError:
        raise StoredDiffers(f"{store.address(key)} is no manifest: nothing was changed, look at it") from None


async def _as_described(store: Store, prefix: str, manifest: Manifest) -> bool:
    """Return whether every file is stored as the manifest says."""
    for name, described in manifest.files.items():
        content = await store.get(f"{prefix}/{name}")
        if content is None or stored_file(content) != described:
            return False
    return True


def _common_prefix(local: Sequence[PartLines]) -> str:
    prefixes = {_prefix(lines.reading) for lines in local}
    if len(prefixes) != 1:
        raise JournalUnreadable(f"{len(prefixes)} sessions in one call: finalise each by itself")
    return prefixes.pop()


def _prefix(reading: Reading) -> str:
    started = _started(reading)
    session = transcript_id(started.room_sid, started.agent)
    try:
        return names.prefix(started.room_created_at, started.room, session)
    except ValueError:
        return names.prefix(reading.records[0].at, started.room, session)


def _started(reading: Reading) -> PartStarted:
    event = reading.records[0].event if reading.records else None
    if not isinstance(event, PartStarted):
        raise JournalUnreadable("a journal does not begin with part.started, so it belongs to no session")
    return event
