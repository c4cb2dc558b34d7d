"""What every command on transcripts works with: the store and the journals that the settings name."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from config import Settings
from worker.cli.options import load_settings
from worker.errors import Failed
from worker.storage.catalogue import Catalogue
from worker.storage.errors import StorageError
from worker.storage.store import Store

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Archive:
    """Where transcripts and journals are."""

    settings: Settings
    store: Store
    catalogue: Catalogue

    @property
    def journal_dir(self) -> Path:
        """Where the journals of this node are."""
        return self.settings.storage.journal_dir


def with_archive(
    work: Callable[[Archive], Coroutine[Any, Any, Result]],
    config_file: Path | None,
    profile: str | None,
    assignments: list[str] | None,
) -> Result:
    """Run `work` on what the settings name.

    Raises:
        SettingsError: everything that is wrong with the settings.
        Failed: disks or the store refused; the sentence says why.
    """
    settings = load_settings("transcripts", config_file, profile, assignments).settings
    try:
        store = Store.at(settings.storage.url)
        return asyncio.run(work(Archive(settings, store, Catalogue(store, settings.storage.journal_dir))))
    except StorageError as error:
        raise Failed(str(error)) from None
