"""The journal lines of a session that are stored beside its transcript, and how more lines join them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from worker.storage.errors import StoredDiffers
from worker.storage.names import segment
from worker.storage.store import Store
from worker.transcript.reading import Reading, read_lines


@dataclass(frozen=True, slots=True)
class PartLines:
    """All whole lines of one part."""

    data: bytes
    reading: Reading

    @classmethod
    def of(cls, data: bytes) -> PartLines:
        """Return the whole lines at the beginning of `data`."""
        reading = read_lines(data)
        return cls(data[: reading.size], reading)


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
    """Return what is stored of every part of a session, by encoded job."""
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for key in await store.list(f"{prefix}/parts"):
        content = await store.get(key)
        if content is not None:
            found[key.split("/")[-2]][key] = content
    return {job: StoredPart(segments) for job, segments in found.items()}


def completed(prefix: str, job: str, local: PartLines, stored: StoredPart) -> tuple[PartLines, dict[str, bytes]]:
    """Return the longer of what is here and what is stored, and the segment that the store lacks, by key.

    Raises:
        StoredDiffers: neither is the beginning of the other.
    """
    known = stored.data
    if local.data.startswith(known):
        missing = local.data[len(known) :]
        if not missing:
            return local, {}
        return local, {segment(prefix, job, len(stored.segments) + 1): missing}
    if known.startswith(local.data):
        return PartLines.of(known), {}
    raise StoredDiffers(
        f"the store holds other lines of job {job} under {prefix} than the journal here: "
        "nothing was changed, compare the two and remove the wrong one"
    )
