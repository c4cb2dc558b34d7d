"""What every command on transcripts works with: the store and the journals that the settings name."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from config import Settings
from worker.cli.options import load_settings
from worker.errors import Failed, Unreachable
from worker.storage.errors import StorageError, StorageUnavailable
from worker.surroundings import publish

if TYPE_CHECKING:
    from worker.storage.sessions.catalogue import Catalogue
    from worker.storage.stores.store import Store
    from worker.transcript.render import Render

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Archive:
    """Where transcripts and journals are."""

    settings: Settings
    store: "Store"
    catalogue: "Catalogue"

    def formats(self, names: Iterable[str]) -> "Mapping[str, Render]":
        """Return how a transcript is rendered, as the settings want it."""
        from worker.transcript.render import formats

        return formats(names, self.settings.transcript.caption_line_length)

    @property
    def place(self) -> str:
        """Where was looked, in words."""
        return f"neither in {self.settings.storage.url} nor in {self.journal_dir}"

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
        Unreachable: the store is away.
        Failed: disks or the store refused; the sentence says why.
    """
    loaded = load_settings("transcripts", config_file, profile, assignments)
    publish(loaded)
    settings = loaded.settings
    # Only now: the settings are refused before anything is imported that takes its time.
    from worker.storage.sessions.catalogue import Catalogue
    from worker.storage.stores.choice import open_store

    try:
        store = open_store(settings.storage)
        return asyncio.run(work(Archive(settings, store, Catalogue(store, settings.storage.journal_dir))))
    except StorageUnavailable as error:
        raise Unreachable(str(error)) from None
    except StorageError as error:
        raise Failed(str(error)) from None
