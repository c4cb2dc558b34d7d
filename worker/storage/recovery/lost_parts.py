"""A part whose node is lost, finished from the segments that it had sent to the store.

Nothing is put among the segments: they are their writer's alone, who may come back, and then its longer journal
supersedes what was made here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from worker.storage import names
from worker.storage.errors import JournalNotTrusted, StoredDiffers
from worker.storage.journal.journals import LARGEST
from worker.storage.journal.parts import PartLines
from worker.storage.stores.store import Store, StoredObject
from worker.storage.storing.leases import Lease, OpenPart, check_lease
from worker.storage.storing.publishing import StoredTranscript, put_session, stored_manifest
from worker.storage.storing.segments import got
from worker.storage.storing.tombstone import discard, tombstone
from worker.transcript.errors import LineNewer
from worker.transcript.integrity import State
from worker.transcript.render import Render

ATTEMPTS = 3
"""How often a session is stored because its parts were stored on other nodes meanwhile."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a part."""

    stored: StoredTranscript | None
    """`None`: there was nothing to store."""
    remark: str = ""
    """What is special about it, as a sentence."""


async def finish(part: OpenPart, lease: Lease, store: Store, formats: Mapping[str, Render], state: State) -> Finished:
    """Store the transcript of the session that `part` belongs to, from what the store alone knows. The lease stays.

    Args:
        part: as its lease is listed.
        lease: what that holds.
        store: where.
        formats: how a transcript is rendered, by the extension of its file.
        state: what the manifest is to say.

    Raises:
        LeaseNotTrusted: the lease is not that of the part that it names.
        JournalNotTrusted: a newer version wrote the part.
        StoredDiffers: the store holds other lines than were stored, or other nodes keep storing the session.
        StorageUnwritable: with the reason and the remedy.
    """
    prefix = lease.prefix
    segments = [each for each in await _segments(prefix, store) if _job(prefix, each.key) == part.job]
    if not segments:
        return Finished(None, "its node was lost before anything of it had left the node")
    lines = await _lines(segments, store)
    check_lease(part, lease, lines)
    stop = lines.reading.stop
    if isinstance(stop, LineNewer):
        raise JournalNotTrusted(f"{segments[0].key} and what follows: {stop}: finish it with that version")
    job = lines.started.job
    for attempt in range(1, ATTEMPTS + 1):
        removed = await tombstone(store, prefix)
        if removed is not None and removed.covers(lines):
            await discard(store, prefix, [job])
            return Finished(None, "it was removed, and is not stored again")
        stored, _ = await put_session(prefix, [], store, formats, state)
        unnamed = await _unnamed(prefix, store)
        # Other parts may be of calls that go on, and grow: what their nodes store names everything.
        if (not unnamed or (attempt == ATTEMPTS and part.job not in unnamed)) and removed == await tombstone(
            store, prefix
        ):
            damage = (
                f"what was sent of {part.key} can be trusted as far as {stop}; the rest stays beside the transcript"
            )
            return Finished(stored, damage if stop is not None else "")
    raise StoredDiffers(f"{prefix} is being stored by other nodes too: it is left to them, and looked at again")


async def _lines(segments: Sequence[StoredObject], store: Store) -> PartLines:
    """Return what the segments of one part hold."""
    if (size := sum(each.size for each in segments)) > LARGEST:
        raise StoredDiffers(f"{segments[0].key} and what follows have {size} bytes, more than any call: look at them")
    contents = await got(store, [each.key for each in segments])
    data = b"".join(contents.get(each.key, b"") for each in segments)
    return await asyncio.to_thread(PartLines.of, data)


async def _segments(prefix: str, store: Store) -> Sequence[StoredObject]:
    """Return the segments of all parts, each part's first to last."""
    return [each for each in await store.objects(f"{prefix}/parts") if _job(prefix, each.key)]


def _job(prefix: str, key: str) -> str:
    """Return the job of a segment as its lease has it, which has no dot; "" where it is none."""
    return (names.job_of_segment(prefix, key) or "").replace(".", "%2E")


async def _unnamed(prefix: str, store: Store) -> Collection[str]:
    """Return the jobs of which something is stored that the manifest does not name, as it is stored now."""
    manifest = await stored_manifest(store, prefix)
    files = manifest.files if manifest is not None else {}
    described = {f"{prefix}/{name}": file.size for name, file in files.items()}
    return {_job(prefix, each.key) for each in await _segments(prefix, store) if described.get(each.key) != each.size}
