"""A stored session of which another part begins: its manifest says so, until that part is stored too."""

from __future__ import annotations

from pathlib import Path

from worker.storage import names
from worker.storage.journal.lock import session_held
from worker.storage.stores.store import Store
from worker.storage.storing.publishing import stored_manifest


async def reopen(journal: Path, prefix: str, store: Store) -> bool:
    """Mark what is stored under `prefix` as open; return whether there was anything final.

    Args:
        journal: of the part that begins, with its first line on the disk: whatever becomes of its job, what is
            stored of it makes the manifest final again.
        prefix: the key under which the session is stored.
        store: where.

    Raises:
        JournalMissing, JournalUnreadable, SessionInUse, StoredDiffers, StorageUnwritable: it stays as it is.
    """
    async with session_held(journal.parent):
        manifest = await stored_manifest(store, prefix)
        if manifest is None or manifest.state == "open":
            return False
        again = manifest.model_copy(update={"state": "open", "generation": manifest.generation + 1})
        await store.put(f"{prefix}/{names.MANIFEST}", again.encode())
        return True
