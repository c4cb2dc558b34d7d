"""How much is in the journal directory, and for how long: what the store has not confirmed yet."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.storage.journal.journals import session_directories
from worker.storage.names import journal_of

MEGABYTE = 1_000_000

WARNING_MARK = 0.8
"""Of the room that journals may take; from here on an operator has time left to do something."""


@dataclass(frozen=True, slots=True)
class Spool:
    """The journals of running calls, and of those that are over and not stored yet."""

    journals: int = 0
    size: int = 0
    """Bytes of all their files."""
    oldest_s: float = 0.0
    """Seconds since the last word of the journal that rests longest: of running calls, next to nothing."""
    max_size: int = 0
    """Bytes from which on no calls are taken."""

    @property
    def full(self) -> bool:
        """Whether no more calls are to come, until the store has taken some of it."""
        return self.size >= self.max_size > 0

    @property
    def nearly_full(self) -> bool:
        """Whether it is time to do something."""
        return self.size >= WARNING_MARK * self.max_size > 0

    def __str__(self) -> str:
        count = "1 journal" if self.journals == 1 else f"{self.journals} journals"
        room = f" of {self.max_size / MEGABYTE:.0f}" if self.max_size else ""
        return f"{count}, {self.size / MEGABYTE:.1f}{room} MB, the oldest at rest for {_span(self.oldest_s)}"


def measure(journal_dir: Path, max_size: int) -> Spool:
    """Return what is in `journal_dir` now. Blocks.

    Raises:
        OSError: it cannot be read.
    """
    size, newest = 0, dict[Path, float]()
    for journal, state in _files(journal_dir):
        size += state.st_size
        newest[journal] = max(newest.get(journal, 0.0), state.st_mtime)
    oldest = max(0.0, time.time() - min(newest.values())) if newest else 0.0
    return Spool(len(newest), size, oldest, max_size)


def _files(journal_dir: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each file of each journal, by the journal that it belongs to."""
    for directory in session_directories(journal_dir):
        try:
            with os.scandir(directory) as entries:
                found = [(journal_of(Path(each.path)), each.stat(follow_symlinks=False)) for each in entries]
        except FileNotFoundError:  # finalised this moment
            continue
        yield from ((named[0], state) for named, state in found if named is not None)


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
