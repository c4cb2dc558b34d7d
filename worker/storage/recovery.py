"""What dead jobs left: journals whose locks are free are finalised, whatever else is wrong beside them.

Each session is done by itself, and one that cannot be done stops no other.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from worker.storage import names
from worker.storage.disk import Disk
from worker.storage.errors import (
    JournalInUse,
    JournalMissing,
    JournalNotTrusted,
    JournalUnreadable,
    SessionInUse,
    StorageError,
    StorageUnwritable,
)
from worker.storage.finalise import finalise
from worker.storage.journals import all_held, files_of, journals_in, read, session_directories
from worker.storage.parts import LocalJournal
from worker.storage.store import Store
from worker.transcript.render import Render

LEFTOVER_S = 3600.0
"""Age from which an empty directory or a probe's file is nobody's any more."""

DISTRUSTED = "it is stored as far as it can be trusted"

PROBE = re.compile(r"probe-[0-9a-f]{16}")

Found = TypeVar("Found")


class State(Enum):
    """What became of a journal."""

    FINALISED = "finalised"
    WOULD_FINALISE = "would be finalised"
    IN_USE = "in use"
    LEFT = "left"
    """It could not be finalised, or not all of it, and stays."""
    WAITING = "waits for the store"
    """The store takes nothing now, from nobody."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one journal."""

    journal: Path
    state: State
    reason: str = ""
    """Why it is in use or was left, as a sentence; what is special about it otherwise."""
    address: str = ""
    """Where its transcript's manifest is, once stored."""
    lasting: bool = False
    """Left until a person does something about the journal: trying again changes nothing."""
    by_store: bool = False
    """It was the store that could not do what it must."""

    @property
    def transcript_id(self) -> str:
        """The session's and agent's name; of a very long one its beginning and a hash."""
        return unquote(self.journal.parent.name)

    @property
    def job(self) -> str:
        """The part's job."""
        return unquote(self.journal.stem)


async def recover(
    journal_dir: Path,
    store: Store,
    formats: Mapping[str, Render],
    *,
    dry_run: bool = False,
    spared: Callable[[Path], bool] = lambda _: False,
    disk: Disk | None = None,
) -> Sequence[Outcome]:
    """Finalise every journal in `journal_dir` whose job is dead, and say what became of each.

    Where the store fails for one session and for a probe too, it is away, and the rest waits.

    Args:
        journal_dir: where all journals of this node are.
        store: where transcripts go.
        formats: how a transcript is rendered, by the extension of its file.
        dry_run: change nothing, only tell.
        spared: whether to pass over a journal without a word. It blocks.
        disk: the file system, when not the machine's own.

    Raises:
        JournalUnreadable: `journal_dir` cannot be listed.
    """
    disk = disk or Disk()
    outcomes: list[Outcome] = []
    away = ""
    for session in await _listed(session_directories, journal_dir):
        try:
            journals = await _listed(journals_in, session)
        except JournalUnreadable as error:
            outcomes.append(Outcome(session / "*.jsonl", State.LEFT, str(error)))
            continue
        wanted = [journal for journal in journals if not await asyncio.to_thread(spared, journal)]
        if away:
            outcomes += [each for journal in wanted for each in await asyncio.to_thread(_waiting, journal, away)]
            continue
        looked_at = [await _look_at(journal) for journal in wanted]
        outcomes += [each for each in looked_at if isinstance(each, Outcome)]
        dead = [each for each in looked_at if isinstance(each, LocalJournal)]
        if dry_run:
            outcomes += [Outcome(each.path, State.WOULD_FINALISE, _emptiness(each) or _damage(each)) for each in dead]
        elif dead:
            became = await _finalised(dead, store, formats, disk)
            if any(each.by_store for each in became) and (away := await _trouble(store)):
                became = [replace(each, state=State.WAITING) if each.by_store else each for each in became]
            outcomes += became
    if not dry_run:
        await asyncio.to_thread(_clear, journal_dir, disk)
    return outcomes


async def _look_at(journal: Path) -> LocalJournal | Outcome | None:
    """Return a dead job's journal, or why it cannot be finalised; nothing when it has just gone."""
    try:
        await asyncio.to_thread(_check_that_dead, journal)
        return await read(journal)
    except JournalMissing:
        return None
    except Exception as error:
        return _failed(journal, error)


async def _finalised(
    dead: Sequence[LocalJournal], store: Store, formats: Mapping[str, Render], disk: Disk
) -> Sequence[Outcome]:
    """Finalise the journals of one session together; where that fails, each that can be by itself."""
    try:
        stored = await finalise([journal.path for journal in dead], store, formats, disk)
        left = [journal for journal in dead if await asyncio.to_thread(files_of, journal.path)]
    except Exception as error:
        if len(dead) > 1 and not isinstance(error, StorageUnwritable):
            return [outcome for each in dead for outcome in await _finalised([each], store, formats, disk)]
        return [] if isinstance(error, JournalMissing) else [_failed(each.path, error) for each in dead]
    address = store.address(f"{stored.prefix}/{names.MANIFEST}") if stored is not None else ""
    return [
        Outcome(each.path, State.LEFT, f"{_damage(each)}, and stays for you to compare", address, lasting=True)
        if each in left
        else Outcome(each.path, State.FINALISED, _emptiness(each), address)
        for each in dead
    ]


async def _trouble(store: Store) -> str:
    """Return what is wrong with the store, nothing where it is well: then the session alone was its trouble."""
    try:
        await store.probe()
    except StorageError as error:
        return str(error)
    return ""


def _waiting(journal: Path, reason: str) -> Sequence[Outcome]:
    """Return that a dead job's journal waits, without reading it."""
    try:
        _check_that_dead(journal)
    except JournalMissing:
        return []
    except (StorageError, OSError) as error:
        return [_failed(journal, error)]
    return [Outcome(journal, State.WAITING, reason, by_store=True)]


def _check_that_dead(journal: Path) -> None:
    with all_held(journal):
        pass


def _emptiness(journal: LocalJournal) -> str:
    return "" if journal.lines.reading.records else "nothing was accepted in it, so that there is nothing to store"


def _damage(journal: LocalJournal) -> str:
    return f"{journal.damage}: {DISTRUSTED}" if journal.damage is not None else ""


def _failed(journal: Path, error: Exception) -> Outcome:
    match error:
        case JournalInUse() | SessionInUse():
            return Outcome(journal, State.IN_USE, str(error))
        case StorageUnwritable():
            return Outcome(journal, State.LEFT, str(error), by_store=True)
        case StorageError():
            return Outcome(journal, State.LEFT, str(error), lasting=isinstance(error, JournalNotTrusted))
        case OSError():
            reason = error.strerror or type(error).__name__
        case _:  # its text may quote what was said
            reason = type(error).__name__
    return Outcome(journal, State.LEFT, f"{journal} cannot be finalised ({reason}): check the disk and try again")


async def _listed(listing: Callable[[Path], Sequence[Found]], directory: Path) -> Sequence[Found]:
    try:
        return await asyncio.to_thread(listing, directory)
    except OSError as error:
        raise JournalUnreadable(f"{directory} cannot be listed ({error.strerror}): check the disk") from None


def _clear(journal_dir: Path, disk: Disk) -> None:
    """Remove what a crash may leave beside journals, once it is old: empty directories and files of probes."""
    too_young = time.time() - LEFTOVER_S
    for path in journal_dir.iterdir() if journal_dir.is_dir() else ():
        with suppress(OSError):  # used again, not empty, or not ours to remove
            if path.stat(follow_symlinks=False).st_mtime > too_young or path.is_symlink():
                continue
            if path.is_dir() and names.is_session(path):
                disk.rmdir(path)
            elif PROBE.fullmatch(path.name):
                disk.unlink(path)
