"""Whether transcripts and journals can be written, and what dead calls left."""

from config import Settings
from worker.doctor.findings import Finding, failed, fine, warning
from worker.storage.errors import StorageError
from worker.storage.probe import probe_journal_directory
from worker.storage.recovery import State, recover
from worker.storage.store import Store
from worker.transcript.render import FORMATS


async def check_storage(settings: Settings) -> Finding:
    """Put, get, list and delete a probe where transcripts are stored."""
    try:
        await Store.at(settings.storage.url).probe()
    except StorageError as error:
        return failed("storage", str(error), "")
    return fine("storage", f"Transcripts can be stored at {settings.storage.url}.")


async def check_journal_directory(settings: Settings) -> Finding:
    """Write and sync a probe where journals are kept, and look for those of calls whose process died."""
    storage = settings.storage
    try:
        await probe_journal_directory(storage.journal_dir)
        found = await recover(storage.journal_dir, Store.at(storage.url), FORMATS, dry_run=True)
    except StorageError as error:
        return failed("journals", str(error), "")
    if left := [outcome for outcome in found if outcome.state is not State.IN_USE]:
        return warning(
            "journals",
            f"{storage.journal_dir} has {len(left)} {'journal' if len(left) == 1 else 'journals'} "
            "of calls whose process died, not stored yet.",
            "A worker on this machine stores them, and so does verbatim transcripts recover.",
        )
    return fine("journals", f"Journals can be kept in {settings.storage.journal_dir}.")
