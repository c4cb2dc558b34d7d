"""Whether a session goes on in other parts than those that are being stored: then its manifest does not say `final`.

Whoever stores the last of them says so. Between nodes two may take each other for the one that goes on, so each
looks again once its own part is seen no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from worker.storage.errors import JournalInUse, LeaseNotTrusted, StorageError
from worker.storage.journal.journals import all_held, journals_in
from worker.storage.stores.store import Store
from worker.storage.storing.leases import OpenPart, open_parts, read_lease
from worker.transcript.integrity import State


async def state_beside(store: Store, session: Path, own: Collection[Path]) -> State:
    """Return `open` while a job lives that has another part of the session, or another part waits for its node.

    Args:
        store: where leases are.
        session: the directory of the session's journals, whether or not it is on this node.
        own: the journals of the parts that are being stored.

    Raises:
        StorageUnwritable: the leases cannot be listed.
    """
    if await asyncio.to_thread(_runs_here, session, own):
        return "open"
    if store.leaves_the_node:
        parts, _ = await open_parts(store, session.name)
        names = {journal.stem for journal in own}
        for part in parts:
            if part.job not in names and await _is_a_lease(store, part):
                return "open"
    return "final"


def _runs_here(session: Path, own: Collection[Path]) -> bool:
    try:
        return any(_in_use(journal) for journal in journals_in(session) if journal not in own)
    except OSError:  # it is not on this node
        return False


def _in_use(journal: Path) -> bool:
    try:
        with all_held(journal):
            return False
    except JournalInUse:
        return True
    except (StorageError, OSError):  # it has just gone, or the disk does not let it be seen: a sweep tells that
        return False


async def _is_a_lease(store: Store, part: OpenPart) -> bool:
    try:
        return await read_lease(store, part) is not None
    except LeaseNotTrusted:
        return False
