"""Whether transcripts and journals can be written."""

from config import Settings
from worker.doctor.findings import Finding, failed, fine
from worker.storage.errors import StorageError
from worker.storage.probe import probe_journal_directory
from worker.storage.store import Store


async def check_storage(settings: Settings) -> Finding:
    """Put, get, list and delete a probe where transcripts are stored."""
    try:
        await Store.at(settings.storage.url).probe()
    except StorageError as error:
        return failed("storage", str(error), "")
    return fine("storage", f"Transcripts can be stored at {settings.storage.url}.")


async def check_journal_directory(settings: Settings) -> Finding:
    """Write and sync a probe where journals are kept."""
    try:
        await probe_journal_directory(settings.storage.journal_dir)
    except StorageError as error:
        return failed("journals", str(error), "")
    return fine("journals", f"Journals can be kept in {settings.storage.journal_dir}.")
