"""What is left of a session that was removed: that it was, when, and by which version. Not a word of it.

A node that was away may come back with a journal of the session, or finish one from its segments. Whoever is about
to store a part asks here first, and throws away what the tombstone covers instead: every part that began before the
removal, or before the end of what was too old. A later part of the same room session is a new one, and is stored.

Tombstones are in a tree of their own, by the session's key, so that no listing of sessions comes by them.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from importlib import metadata

from pydantic import AwareDatetime, ValidationError

from worker.storage import names
from worker.storage.errors import StoredDiffers
from worker.storage.journal.parts import PartLines
from worker.storage.stores.store import Store
from worker.transcript.integrity import Manifest
from worker.transcript.model import Model
from worker.transcript.render import FORMATS

FORMAT = "verbatim.tombstone/1"

TOMBSTONES = "removed"
"""What the keys of all tombstones begin with."""


class Tombstone(Model):
    """What the object holds."""

    format: str = FORMAT
    """Name and version of this format."""
    removed_at: AwareDatetime
    """By the clock of the node that removed the session."""
    covers_to: AwareDatetime
    """Parts that began later are not covered."""
    by: str
    """The version that did."""
    parts: int
    """How many parts were stored."""
    objects: int
    """How many objects were stored of them, the transcript's own among them."""

    def covers(self, lines: PartLines) -> bool:
        """Return whether a part was removed with the session, though it may not have been stored then."""
        began = datetime.fromisoformat(lines.reading.records[0].at)
        return began.replace(tzinfo=began.tzinfo or UTC) <= self.covers_to

    def encode(self) -> bytes:
        """Return the object's content."""
        return (json.dumps(self.model_dump(mode="json"), indent=2) + "\n").encode()


def key(prefix: str) -> str:
    """Return the key of the tombstone of the session that is stored under `prefix`."""
    return f"{TOMBSTONES}/{prefix}"


def tombstone_of(*, parts: int, objects: int, covers_to: datetime | None = None) -> Tombstone:
    """Return the tombstone of a session that is removed now, and of which so much is stored.

    Args:
        parts: how many are stored.
        objects: how many are stored of them.
        covers_to: the newest time of which anything is removed, when that is not now.
    """
    now = datetime.now(UTC)
    by = f"verbatim {metadata.version('verbatim')}"
    return Tombstone(removed_at=now, covers_to=covers_to or now, by=by, parts=parts, objects=objects)


async def tombstone(store: Store, prefix: str) -> Tombstone | None:
    """Return the tombstone of a session, or `None` where there is none: one request.

    Raises:
        StoredDiffers: it cannot be read, so that it is not known what it covers.
        StorageUnwritable: the store cannot be asked.
    """
    content = await store.get(key(prefix))
    if content is None:
        return None
    try:
        found = Tombstone.model_validate_json(content)
    except ValidationError:
        found = None
    if found is None or found.format != FORMAT:
        raise StoredDiffers(
            f"{store.address(key(prefix))} cannot be read as a tombstone: nothing was changed; a newer version may "
            "read it, and where none does, remove the session again"
        )
    return found


async def discard(store: Store, prefix: str, jobs: Collection[str]) -> None:
    """Remove what is stored of parts that a tombstone covers. Their journals and leases are the caller's.

    The transcript goes with them where it was made from nothing else.

    Args:
        store: where they are.
        prefix: the key under which the session was stored.
        jobs: the parts' jobs.
    """
    manifest = f"{prefix}/{names.MANIFEST}"
    if _made_from(await store.get(manifest)) <= set(jobs):
        await store.delete(manifest)
        for format_ in FORMATS:
            await store.delete(f"{prefix}/transcript.{format_}")
    for job in jobs:
        for each in await store.list(names.segments(prefix, job)):
            await store.delete(each)


def _made_from(manifest: bytes | None) -> set[str]:
    """Return the jobs of the parts that a manifest names; of one that cannot be read, none that anybody has."""
    if manifest is None:
        return set()
    try:
        return {part.job for part in Manifest.model_validate_json(manifest).parts}
    except ValidationError:
        return {""}
