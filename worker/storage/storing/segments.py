"""The journal lines of a session that are stored beside its transcript, and how more lines join them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.storage import names
from worker.storage.errors import StoredDiffers
from worker.storage.journal.journals import LARGEST
from worker.storage.journal.parts import LocalJournal, PartLines
from worker.storage.stores.store import Store
from worker.transcript.joining import join_files
from worker.transcript.reading import Reading

READS_AT_ONCE = 16
"""Objects that are asked for at the same time: a long call has hundreds of segments."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """What the store holds of one part's journal."""

    segments: dict[str, bytes]
    """Content by key."""

    @property
    def data(self) -> bytes:
        """All segments as one."""
        return b"".join(self.segments[key] for key in sorted(self.segments))


async def stored_parts(store: Store, prefix: str) -> dict[str, StoredPart]:
    """Return what is stored of every part of a session, by encoded job; what others put there is passed over.

    Raises:
        StoredDiffers: it is larger than any session.
        StorageUnwritable: the store cannot be read.
    """
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    objects = [
        each for each in await store.objects(f"{prefix}/parts") if names.job_of_segment(prefix, each.key) is not None
    ]
    if (size := sum(each.size for each in objects)) > LARGEST:
        raise StoredDiffers(f"{prefix}/parts has {size} bytes, more than any session: look at who put them there")
    for key, content in (await got(store, [each.key for each in objects])).items():
        found[names.job_of_segment(prefix, key) or ""][key] = content
    return {job: StoredPart(segments) for job, segments in found.items()}


async def got(store: Store, keys: Sequence[str]) -> dict[str, bytes]:
    """Return the content of those `keys` that are there, several at a time."""
    at_once = asyncio.Semaphore(READS_AT_ONCE)

    async def get(key: str) -> bytes | None:
        async with at_once:
            return await store.get(key)

    contents = await asyncio.gather(*map(get, keys))
    return {key: content for key, content in zip(keys, contents, strict=True) if content is not None}


@dataclass(frozen=True, slots=True)
class Merged:
    """What is here and what is stored of one session, as one."""

    parts: dict[str, PartLines]
    """All lines of each part, by encoded job."""
    missing: dict[str, bytes]
    """Segments that the store lacks, by key."""

    @property
    def readings(self) -> dict[str, Reading]:
        """Each part's lines, by job."""
        return {part.started.job: part.reading for part in self.parts.values()}

    def whole(self, job: str) -> bool:
        """Return whether nothing of the part is left that could not be taken as written."""
        reading = self.parts[names.encode(job)].reading
        return reading.stop is None or reading.torn


def merge(session: str, local: Sequence[LocalJournal], stored: Mapping[str, StoredPart]) -> Merged:
    """Return the parts of the session that is stored under the key `session`.

    Which part a journal is of, its first line says, not its name: of a part that has two journals here, such as
    one that was restored beside it, both are merged.

    Raises:
        JournalNotTrusted: lines do not say which part they are.
        StoredDiffers: the store, or another journal, holds other lines of a part than are here.
    """
    parts: dict[str, PartLines] = {}
    for job, part in stored.items():
        parts[job] = PartLines.of(part.data)
        if not parts[job].reading.records:
            raise StoredDiffers(f"{min(part.segments)} is no journal's: nothing was changed, look at it")
    known = {job: part.data for job, part in stored.items()}
    for journal in sorted(local, key=lambda each: each.damage is not None):  # a damaged one needs what the others know
        job = names.encode(journal.lines.started.job)
        parts[job] = _completed(session, journal, known.get(job, b""))
        known[job] = max(known.get(job, b""), parts[job].data, key=len)
    missing: dict[str, bytes] = {}
    for job, lines in parts.items():
        segments = stored.get(job, StoredPart({}))
        if rest := lines.data[len(segments.data) :]:
            missing[names.segment(session, lines.started.job, len(segments.segments) + 1)] = rest
    return Merged(parts, missing)


def _completed(session: str, journal: LocalJournal, known: bytes) -> PartLines:
    """Return the lines of a journal and those that are known of its part as one; each may have what the other lacks."""
    here = journal.lines
    if not (here.data.startswith(known) or known.startswith(here.data)):
        raise StoredDiffers(
            f"{journal.path} holds other lines of job {here.started.job} than are known of it under {session}: "
            "nothing was changed, compare the two and remove the wrong one"
        )
    if journal.damage is not None:
        both = PartLines(*join_files([known, *journal.files.values()]))
        # Where what is known has nothing to add, the trouble stays as the journal alone has it.
        return both if len(both.data) > len(here.data) or both.reading.stop is None else here
    return here if len(here.data) >= len(known) else PartLines.of(known)
