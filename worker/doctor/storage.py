"""Whether transcripts and journals can be written, and what dead calls left."""

import asyncio
import shutil
from pathlib import Path

from config import Settings
from worker.doctor.findings import Finding, failed, fine, unreachable, warning
from worker.storage.errors import StorageError, StorageUnavailable
from worker.storage.journal.probe import probe_journal_directory
from worker.storage.journal.spool import MEGABYTE, measure
from worker.storage.recovery.sweep import State, recover
from worker.storage.stores.choice import open_store
from worker.transcript.render import FORMATS


async def check_storage(settings: Settings) -> Finding:
    """Put, get, list and delete a probe where transcripts are stored."""
    try:
        store = await asyncio.to_thread(open_store, settings.storage)
        await store.probe()
    except StorageUnavailable as trouble:
        return unreachable("storage", str(trouble), "")
    except StorageError as error:
        return failed("storage", str(error), "")
    return fine("storage", f"Transcripts can be stored at {settings.storage.url}.")


async def check_journal_directory(settings: Settings) -> Finding:
    """Write and sync a probe where journals are kept, and look at those of calls that are over."""
    storage = settings.storage
    try:
        await probe_journal_directory(storage.journal_dir)
        store = await asyncio.to_thread(open_store, storage)
        found = await recover(storage.journal_dir, store, FORMATS, dry_run=True)
        spool = await asyncio.to_thread(measure, storage.journal_dir, storage.spool_max_mb * MEGABYTE)
        free = (await asyncio.to_thread(shutil.disk_usage, _existing(storage.journal_dir))).free
    except StorageError as error:
        return failed("journals", str(error), "")
    except OSError as error:
        return failed("journals", f"{storage.journal_dir} cannot be read ({error.strerror}).", "Check the disk.")
    if spool.full or spool.nearly_full:
        found_full = failed if spool.full else warning
        return found_full(
            "journals",
            f"{storage.journal_dir} holds {spool}: {'no calls are' if spool.full else 'soon no calls will be'} taken.",
            "Mend the store, or make storage.spool_max_mb larger where the disk has room.",
        )
    if left := [outcome for outcome in found if outcome.state is not State.IN_USE]:
        return warning(
            "journals",
            f"{storage.journal_dir} has {len(left)} {'journal' if len(left) == 1 else 'journals'} "
            f"of calls whose process died, not stored yet ({spool}).",
            "A worker on this machine stores them, and so does verbatim transcripts recover.",
        )
    if free < spool.max_size - spool.size:
        return warning(
            "journals",
            f"{storage.journal_dir} has {free / MEGABYTE:.0f} MB of room on its disk, and storage.spool_max_mb is "
            f"{storage.spool_max_mb}.",
            "Make room, or lower it: a disk that is full takes no journals, and running calls need some too.",
        )
    return fine("journals", f"Journals can be kept in {storage.journal_dir}.")


def _existing(directory: Path) -> Path:
    """Return `directory`, or what is there above it: a first call makes it."""
    return next(each for each in (directory, *directory.parents) if each.exists())
