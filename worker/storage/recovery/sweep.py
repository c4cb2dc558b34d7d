"""What dead jobs left: journals whose locks are free are finalised, whatever else is wrong beside them.

Each session is done by itself, and one that cannot be done stops no other.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from worker.storage import names
from worker.storage.concurrency import in_order
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
from worker.storage.journal.journals import all_held, journals_in, read, session_directories
from worker.storage.journal.parts import LocalJournal
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise_all
from worker.transcript.events import PartEnded
from worker.transcript.render import Render

LEFTOVER_S = 3600.0
"""Age from which an empty directory or a probe's file is nobody's any more."""

AT_ONCE = 4
"""Sessions that are finalised at the same time, while their disks sync. More would only keep the loop waiting for the
interpreter, and take more memory: each has its journals in it."""

DISTRUSTED = "it is stored as far as it can be trusted"

PROBE = re.compile(r"probe-[0-9a-f]{16}")

Found = TypeVar("Found")


class State(Enum):
    """What became of a journal, or of a part whose journal is elsewhere."""

    FINALISED = "finalised"
    WOULD_FINALISE = "would be finalised"
    IN_USE = "in use"
    LEFT = "left"
    """It could not be finalised, or not all of it, and stays."""
    WAITING = "waits"
    """For the store, which takes nothing now, from nobody, or for LiveKit to tell who is in its rooms."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one journal."""

    journal: Path
    """Where it is, or would be if it were on this node."""
    state: State
    reason: str = ""
    """Why it is in use or was left, as a sentence; what is special about it otherwise."""
    address: str = ""
    """Where its transcript's manifest is, once stored."""
    lasting: bool = False
    """Left until a person does something about the journal: trying again changes nothing."""
    by_store: bool = False
    """It was the store that could not do what it must."""
    lease: str = ""
    """The key of the part's lease, where that is all that this node has of it."""
    crashed: bool = False
    """It does not say how its part ended: the process died, or the host."""

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
    recovery = _Recovery(store, formats, spared, disk or Disk(), dry_run)
    sessions = await _listed(session_directories, journal_dir)
    outcomes = [each async for became in in_order(recovery.session, sessions, AT_ONCE) for each in became]
    if not dry_run:
        await asyncio.to_thread(_clear, journal_dir, recovery.disk)
    return outcomes


@dataclass(slots=True)
class _Recovery:
    """One sweep over the journals of this node."""

    store: Store
    formats: Mapping[str, Render]
    spared: Callable[[Path], bool]
    disk: Disk
    dry_run: bool
    away: str = ""
    """Why the store takes nothing from anybody."""
    takes: bool = False
    """Whether it has taken something: until then one session goes ahead, and where it fails no other is tried."""
    ahead: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def session(self, directory: Path) -> Sequence[Outcome]:
        """Finalise the dead journals in the directory of a session, and say what became of each journal there."""
        try:
            journals = await _listed(journals_in, directory)
        except JournalUnreadable as error:
            return [Outcome(directory / "*.jsonl", State.LEFT, str(error))]
        looked_at = await asyncio.to_thread(self._look_at, journals)
        dead = [each for each in looked_at if isinstance(each, Path)]
        outcomes = [each for each in looked_at if isinstance(each, Outcome)]
        if self.dry_run:
            return outcomes + [outcome for each in dead for outcome in await _told(each)]
        if dead and not self.takes:
            async with self.ahead:
                if not self.takes and not self.away:
                    return [*outcomes, *await self._finalised(dead)]
        if self.away:
            return outcomes + [Outcome(each, State.WAITING, self.away, by_store=True) for each in dead]
        return [*outcomes, *await self._finalised(dead)] if dead else outcomes

    def _look_at(self, journals: Sequence[Path]) -> list[Path | Outcome]:
        """Return those whose job is dead, and why the others cannot be finalised. Blocks."""
        found: list[Path | Outcome] = []
        for journal in journals:
            if self.spared(journal):
                continue
            try:
                with all_held(journal):
                    found.append(journal)
            except JournalMissing:  # it has just gone
                continue
            except (StorageError, OSError) as error:
                found.append(_failed(journal, error))
        return found

    async def _finalised(self, dead: Sequence[Path]) -> Sequence[Outcome]:
        became = await _finalised(dead, self.store, self.formats, self.disk)
        if any(each.by_store for each in became):
            self.away = await trouble_of(self.store)
        elif any(each.address for each in became):
            self.takes = True
        return [replace(each, state=State.WAITING) if each.by_store and self.away else each for each in became]


async def _told(journal: Path) -> Sequence[Outcome]:
    """Return what would become of a dead job's journal."""
    try:
        found = await read(journal)
    except JournalMissing:
        return []
    except Exception as error:
        return [_failed(journal, error)]
    return [Outcome(journal, State.WOULD_FINALISE, _emptiness(found) or _damage(found))]


async def _finalised(
    dead: Sequence[Path], store: Store, formats: Mapping[str, Render], disk: Disk
) -> Sequence[Outcome]:
    """Finalise the journals of one session together; where that fails, each that can be by itself."""
    try:
        done = await finalise_all(dead, store, formats, disk)
    except Exception as error:
        if len(dead) > 1 and not isinstance(error, StorageUnwritable):
            return [outcome for each in dead for outcome in await _finalised([each], store, formats, disk)]
        return [] if isinstance(error, JournalMissing) else [_failed(each, error) for each in dead]
    address = store.address(f"{done.stored.prefix}/{names.MANIFEST}") if done.stored is not None else ""
    return [
        Outcome(each.path, State.LEFT, f"{_damage(each)}, and stays for you to compare", address, lasting=True)
        if each in done.left
        else Outcome(each.path, State.FINALISED, _emptiness(each), address, crashed=_is_crashed(each))
        for each in done.journals
    ]


async def trouble_of(store: Store) -> str:
    """Return what is wrong with the store, nothing where it is well: then one session alone was its trouble."""
    try:
        await store.probe()
    except StorageError as error:
        return str(error)
    return ""


def _emptiness(journal: LocalJournal) -> str:
    return "" if journal.lines.reading.records else "nothing was accepted in it, so that there is nothing to store"


def _is_crashed(journal: LocalJournal) -> bool:
    records = journal.lines.reading.records
    return bool(records) and not any(isinstance(each.event, PartEnded) for each in records)


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
