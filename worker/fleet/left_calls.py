"""Calls whose job is gone while their journal has no end, on this node."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.storage import names
from worker.storage.errors import JournalInUse, JournalMissing, StorageError
from worker.storage.journal.journals import all_held, files_of, journals_in, read, session_directories
from worker.transcript.events import PartEnded, PartStarted

RECENT_S = 300.0
"""Age of the last line from which on nobody can wait any more for the call to go on."""


@dataclass(frozen=True, slots=True)
class LeftCall:
    """A call without its job.

    Attributes:
        job: the one that is gone.
        dispatch: the one that brought it; empty where none did.
        room: name of its room.
        room_sid: the room's id: names are used again.
        died: the job ended in the middle of the call. False: the call was over, as far as is known.
    """

    job: str
    dispatch: str
    room: str
    room_sid: str
    died: bool = True


async def has_died(journal_dir: Path, transcript_id: str, job: str) -> bool:
    """Return whether a job that is gone has left a journal here that has no end."""
    found = await _unended(names.journal_path(journal_dir, transcript_id, job))
    return found is not None


async def left_calls(journal_dir: Path) -> dict[Path, LeftCall]:
    """Return the calls with recent journals here that have no end, by journal: left, or held by jobs that live."""
    found: dict[Path, LeftCall] = {}
    for journal in await asyncio.to_thread(_recent, journal_dir):
        if (call := await _unended(journal)) is not None:
            found[journal] = call
    return found


def is_left(journal: Path) -> bool:
    """Return whether the job of a journal is gone; also where the journal is gone with it. Blocks."""
    try:
        with all_held(journal):
            return True
    except JournalMissing:
        return True
    except (JournalInUse, StorageError, OSError):
        return False


def _recent(journal_dir: Path) -> Sequence[Path]:
    since = time.time() - RECENT_S
    return [
        journal
        for session in session_directories(journal_dir)
        for journal in journals_in(session)
        if any(file.stat().st_mtime >= since for file in files_of(journal))
    ]


async def _unended(journal: Path) -> LeftCall | None:
    try:
        records = (await read(journal)).lines.reading.records
    except StorageError:  # gone, or nothing that could be gone on with
        return None
    started = records[0].event if records else None
    if not isinstance(started, PartStarted) or any(isinstance(each.event, PartEnded) for each in records):
        return None
    return LeftCall(started.job, started.dispatch, started.room, started.room_sid)
