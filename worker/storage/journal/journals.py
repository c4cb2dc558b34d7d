"""The journals on this node: which there are, what they hold, and whether their job lives.

A journal is named by the path of its first file, also where that file is gone; its successors lie beside it.
What is no journal's is passed over. Everything here but `read` blocks: never call it on the event loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.errors import JournalInUse, JournalMissing, JournalNotTrusted, JournalUnreadable
from worker.storage.journal.lock import held
from worker.storage.journal.parts import LocalJournal, PartLines
from worker.storage.names import journal_of
from worker.storage.threads import in_own_thread
from worker.transcript.errors import LineNewer
from worker.transcript.joining import join_files

LARGEST = 1 << 28
"""Bytes a journal may have, days of speech. More would take the worker's memory, and with it the calls."""

READ_DEADLINE_S = 10.0
"""How long the disk may take to give a journal."""


def session_directories(journal_dir: Path) -> Sequence[Path]:
    """Return the directories of the sessions that have journals here, by name; none where there is nothing.

    A session's has a dash in its name; others, such as the `lost+found` of a volume, nobody need be able to read.

    Raises:
        OSError: the directory cannot be listed.
    """
    try:
        with os.scandir(journal_dir) as entries:
            directories = [
                Path(each.path) for each in entries if "-" in each.name and each.is_dir(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []
    return sorted(directories)


def journals_in(session: Path) -> Sequence[Path]:
    """Return the journals in a session's directory, by name.

    Raises:
        OSError: the directory cannot be listed.
    """
    return sorted(_files(session))


def files_of(journal: Path) -> Sequence[Path]:
    """Return the files of a journal, first to last; the first may be missing, or all."""
    return _files(journal.parent).get(journal, [])


async def read(journal: Path, memory: bytes = b"") -> LocalJournal:
    """Return what the files of a journal hold, and what is only in `memory`, as one.

    Raises:
        JournalMissing: there is no such journal.
        JournalNotTrusted: it holds no line that can be taken as written, or a newer version wrote it.
        JournalUnreadable: the disk does not give it.
    """
    found = await look(journal, memory)
    stop = found.lines.reading.stop
    if isinstance(stop, LineNewer):
        raise JournalNotTrusted(f"{found.told(stop)}: finalise it with that version")
    if found.damage is not None and not found.lines.reading.records:
        raise JournalNotTrusted(f"{found.damage}: it was damaged from the first line on, nothing was stored")
    return found


async def look(journal: Path, memory: bytes = b"") -> LocalJournal:
    """Return the same, whatever it is worth.

    Raises:
        JournalMissing: there is no such journal.
        JournalNotTrusted: it is larger than `LARGEST`.
        JournalUnreadable: the disk does not give it.
    """
    trouble = ""
    files: dict[str, bytes] = {}
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            files = await in_own_thread(lambda: _contents(journal))
    except TimeoutError:
        trouble = f"no answer in {READ_DEADLINE_S:.0f} s"
    except OSError as error:
        trouble = error.strerror or type(error).__name__
    if trouble and not memory:
        raise JournalUnreadable(f"{journal} cannot be read ({trouble}): check the disk")
    if not files and not memory:
        raise JournalMissing(f"{journal} is not there: it was finalised already, or never written")
    if memory:
        files["memory"] = memory
    data, reading = await asyncio.to_thread(join_files, list(files.values()))
    return LocalJournal(journal, PartLines(data, reading), files)


def _contents(journal: Path) -> dict[str, bytes]:
    files = files_of(journal)
    if (size := sum(path.stat().st_size for path in files)) > LARGEST:
        raise JournalNotTrusted(f"{journal} has {size} bytes, more than any call writes: look at what it is")
    return {str(path): path.read_bytes() for path in files}


@contextmanager
def all_held(journal: Path) -> Iterator[None]:
    """Hold all files of a journal whose job is dead: a job that lives holds each file that it has written.

    Raises:
        JournalInUse: its job lives, or another process finalises it.
        JournalMissing: there is no such journal, or no longer.
    """
    with ExitStack() as locks:
        files = files_of(journal)
        if not files:
            raise JournalMissing(f"{journal} is not there: it was finalised already, or never written")
        for path in files:
            locks.enter_context(held(path))
        if files_of(journal) != files:
            raise JournalInUse(f"{journal} is in use: its files have just changed; nothing to do")
        yield


def remove(journal: Path, disk: Disk) -> None:
    """Remove a journal for good, the first file last: what a crash leaves in between is read as its beginning."""
    for path in reversed(files_of(journal)):
        disk.remove(path)


def _files(directory: Path) -> dict[Path, list[Path]]:
    """Return the journals' files that lie in `directory`, by journal, first to last."""
    numbered: dict[Path, list[tuple[int, Path]]] = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                path = Path(entry.path)
                found = journal_of(path)
                if found is not None and entry.is_file(follow_symlinks=False):
                    journal, number = found
                    numbered.setdefault(journal, []).append((number, path))
    except FileNotFoundError:
        return {}
    return {journal: [path for _, path in sorted(files)] for journal, files in numbered.items()}
