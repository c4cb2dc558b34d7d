"""The lines of one session into the store: its segments, its transcript in every form, its manifest last.

What is stored is read first, and kept: more events replace fewer, never the reverse, and nothing that was told
once is told otherwise. The same lines give the same bytes on every node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from worker.metrics.definitions import UPLOAD_FAILURES, UPLOADS
from worker.storage import names
from worker.storage.errors import StorageUnwritable, StoredDiffers
from worker.storage.journal.parts import LocalJournal
from worker.storage.stores.store import Store
from worker.storage.storing.segments import Merged, StoredPart, got, merge, stored_parts
from worker.transcript.integrity import FORMAT, Manifest, State, manifest_of, stored_file
from worker.transcript.integrity import StoredPart as ManifestPart
from worker.transcript.model import Transcript
from worker.transcript.reading import Reading
from worker.transcript.render import FORMATS, Render
from worker.transcript.replay import replay


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """A session as the store holds it now."""

    prefix: str
    keys: tuple[str, ...]
    """Of every file, the manifest last."""
    transcript: Transcript
    manifest: Manifest


async def put_session(
    prefix: str, local: Sequence[LocalJournal], store: Store, formats: Mapping[str, Render], state: State
) -> tuple[StoredTranscript, Merged]:
    """Store what `local` and the store tell of the session under `prefix`; at least one line of it is known.

    Args:
        prefix: the key under which the session is stored.
        local: the journals that are here.
        store: where.
        formats: how a transcript is rendered, by the extension of its file.
        state: `open` while another part goes on.

    Raises:
        JournalNotTrusted: lines do not say which part they are.
        StoredDiffers: the store holds other lines, or more than it can show.
        StorageUnwritable: with the reason and the remedy.
    """
    stored = await stored_parts(store, prefix)
    old = await stored_manifest(store, prefix)
    content = await asyncio.to_thread(_compose, prefix, local, stored, formats, old)
    same = old is not None and old.state in ("final", state) and old.parts == content.manifest.parts
    # A final transcript keeps the form that it was rendered in, whatever this version would make of it.
    if old is not None and same and await _as_described(store, prefix, old):
        return _stored(prefix, content.transcript, old), content.merged
    manifest = content.manifest.model_copy(update={"state": state})
    if old is not None:
        for part in old.parts:
            _refuse_less(prefix, part, content.merged.readings)
        generation = old.generation if same else old.generation + 1
        manifest = manifest.model_copy(update={"generation": generation})
    await _put({**content.new, f"{prefix}/{names.MANIFEST}": manifest.encode()}, store)
    return _stored(prefix, content.transcript, manifest), content.merged


async def _put(files: Mapping[str, bytes], store: Store) -> None:
    """Put all files, in their order."""
    try:
        for key, content in files.items():
            await store.put(key, content)
    except StorageUnwritable:
        UPLOAD_FAILURES.count(kind="transcript")
        raise
    UPLOADS.count(kind="transcript")


async def stored_manifest(store: Store, prefix: str) -> Manifest | None:
    """Return the manifest of the session under `prefix`, or `None` where there is none.

    Raises:
        StoredDiffers: it cannot be read, or a newer version wrote it.
    """
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
    old: Manifest | None,
) -> _Content:
    """Merge what is here with what is stored, and render it."""
    merged = merge(prefix, local, stored)
    readings = merged.readings
    from_segments = _from_segments(readings, local, old)
    transcript = replay(list(readings.values()), from_segments)
    new = dict(merged.missing)
    new |= {
        f"{prefix}/transcript.{format}": render(transcript).encode()
        for format, render in _formats(formats, old).items()
    }
    segments = {key: data for part in stored.values() for key, data in part.segments.items()}
    files = {key.removeprefix(f"{prefix}/"): data for key, data in (segments | new).items()}
    return _Content(merged, transcript, manifest_of(transcript, readings, files, 1, from_segments), new)


def _from_segments(
    readings: Mapping[str, Reading], local: Sequence[LocalJournal], old: Manifest | None
) -> Collection[str]:
    """Return the jobs of which nobody has read the journal: neither is it here, nor was it when this was stored."""
    read = {journal.lines.started.job for journal in local}
    if old is not None:
        read |= {
            part.job
            for part in old.parts
            if part.source == "journal" and part.job in readings and part.events == len(readings[part.job].records)
        }
    return readings.keys() - read


def _formats(wanted: Mapping[str, Render], old: Manifest | None) -> Mapping[str, Render]:
    """Return what is wanted and what is stored already: a form once stored never lags behind."""
    stored = old.files if old is not None else {}
    return {format: FORMATS[format] for format in FORMATS if f"transcript.{format}" in stored} | dict(wanted)


def _refuse_less(prefix: str, part: ManifestPart, readings: Mapping[str, Reading]) -> None:
    """Raise unless all is here that a stored transcript was made from, as it was then."""
    records = readings[part.job].records if part.job in readings else ()
    if len(records) < part.events:
        raise StoredDiffers(
            f"the transcript under {prefix} was made from {part.events} events of job {part.job}, "
            f"and only {len(records)} are here: nothing was changed"
        )
    if part.events and records[part.events - 1].h != part.head:
        raise StoredDiffers(
            f"the transcript under {prefix} was made from other events of job {part.job} than are here, as if two had "
            "written its journal: nothing was changed, compare the journals"
        )


async def _as_described(store: Store, prefix: str, manifest: Manifest) -> bool:
    """Return whether every file is stored as the manifest says."""
    contents = await got(store, [f"{prefix}/{name}" for name in manifest.files])
    wanted = {f"{prefix}/{name}": described for name, described in manifest.files.items()}
    return {key: stored_file(content) for key, content in contents.items()} == wanted
