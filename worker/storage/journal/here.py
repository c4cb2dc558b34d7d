"""The journals on this node, by the session that they tell of."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from worker.storage.errors import JournalInUse, JournalMissing, JournalUnreadable, StorageError
from worker.storage.journal.journals import all_held, journals_in, read, session_directories


@dataclass(frozen=True, slots=True)
class Here:
    """The journals on this node."""

    journals: dict[Path, Sequence[Path]] = field(default_factory=dict)
    """All, by directory."""
    told: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    """Those that can be read, by the key under which their session is stored: their lines say that, not their name."""
    running: set[Path] = field(default_factory=set)
    """Those whose job lives."""
    troubles: dict[Path, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What cannot be read, as sentences, by directory."""


async def look_here(journal_dir: Path) -> Here:
    """Return what is in `journal_dir`.

    Raises:
        JournalUnreadable: it cannot be listed.
    """
    try:
        directories = await asyncio.to_thread(session_directories, journal_dir)
    except OSError as error:
        raise JournalUnreadable(f"{journal_dir} cannot be listed ({error.strerror})") from None
    here = Here()
    for directory in directories:
        try:
            here.journals[directory] = await asyncio.to_thread(journals_in, directory)
            for journal in here.journals[directory]:
                await _look_at(journal, here)
        except OSError as error:
            here.troubles[directory].append(f"{directory} cannot be read ({error.strerror})")
    return here


async def _look_at(journal: Path, here: Here) -> None:
    if await asyncio.to_thread(_in_use, journal):
        here.running.add(journal)
    try:
        lines = (await read(journal)).lines
        if lines.reading.records:
            here.told[lines.prefix].append(journal)
    except JournalMissing:  # finalised this moment
        pass
    except StorageError as error:
        here.troubles[journal.parent].append(str(error))


def _in_use(journal: Path) -> bool:
    try:
        with all_held(journal):
            return False
    except JournalInUse:
        return True
    except StorageError:  # just gone
        return False
