"""The earlier parts of a room session, for the job that goes on with it.

A part's lines may be in its journal on this node, in the store beside a transcript that was finalised, or in the
segments that a lost node had sent there. A journal is read without its lock: that of a part which has just died may
still be held, and so is that of one which hands its call over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

from worker.storage import names
from worker.storage.errors import StorageError
from worker.storage.journal.journals import journals_in, read
from worker.storage.journal.parts import LocalJournal, PartLines
from worker.storage.stores.store import Store
from worker.storage.storing.segments import StoredPart, merge, stored_parts
from worker.transcript.reading import Reading

logger = logging.getLogger("verbatim.call")

STORE_SECONDS = 3.0
"""How long the store may take: somebody waits in silence meanwhile, and is better off with a part of the memory."""

OpenStore = Callable[[], Awaitable[Store]]


async def earlier_parts(
    journal_dir: Path, transcript_id: str, prefix: str, open_store: OpenStore | None
) -> Sequence[Reading]:
    """Return what is known of the parts of a session; what cannot be read is left out, and logged.

    Args:
        journal_dir: where all journals of this node are.
        transcript_id: the session's and agent's.
        prefix: the key under which the session is stored.
        open_store: returns the store; `None`: it is not asked.
    """
    # First what is here: a journal that is finalised meanwhile is in the store before it goes.
    local = await _here(names.journal_path(journal_dir, transcript_id, "").parent)
    stored = await _stored(prefix, open_store) if open_store is not None else {}
    try:
        return list(merge(prefix, local, stored).readings.values())
    except StorageError as error:
        logger.warning("the earlier parts of the call do not agree: %s", error)
    return _longest([*(each.lines for each in local), *(PartLines.of(each.data) for each in stored.values())])


async def _here(session: Path) -> Sequence[LocalJournal]:
    found: list[LocalJournal] = []
    try:
        journals = await asyncio.to_thread(journals_in, session)
    except OSError as error:
        logger.warning("earlier parts of the call cannot be looked for: %s", error.strerror)
        return []
    for journal in journals:
        try:
            if (known := await read(journal)).lines.reading.records:
                found.append(known)
        except StorageError as error:
            logger.warning("an earlier part of the call cannot be read: %s", error)
    return found


async def _stored(prefix: str, open_store: OpenStore) -> Mapping[str, StoredPart]:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await stored_parts(await open_store(), prefix)
    except TimeoutError:
        logger.warning("the store did not give the earlier parts of the call within %.0f s", STORE_SECONDS)
    except StorageError as error:
        logger.warning("the store does not give the earlier parts of the call: %s", error)
    return {}


def _longest(found: Iterable[PartLines]) -> Sequence[Reading]:
    by_job: dict[str, Reading] = {}
    for lines in found:
        try:
            job = lines.started.job
        except StorageError:  # nobody's
            continue
        if job not in by_job or len(by_job[job].records) < len(lines.reading.records):
            by_job[job] = lines.reading
    return list(by_job.values())
