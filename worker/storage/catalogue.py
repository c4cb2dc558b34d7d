"""Every session that can be read here: those in the store, and those whose journals are still on this node.

Made anew each time from what is stored; there is no index that could be wrong.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from pydantic import ValidationError

from worker.storage import names
from worker.storage.errors import JournalInUse, JournalMissing, JournalUnreadable, StorageError, TranscriptDamaged
from worker.storage.journals import all_held, journals_in, read, session_directories
from worker.storage.parts import LocalJournal
from worker.storage.segments import merge, stored_parts
from worker.storage.store import Store
from worker.transcript.errors import ReplayError
from worker.transcript.gaps import CRASHED
from worker.transcript.integrity import Manifest
from worker.transcript.model import Transcript
from worker.transcript.reading import Reading
from worker.transcript.render import json as as_json
from worker.transcript.replay import replay

YEAR = re.compile(r"[0-9]{4}")
"""How the keys of sessions begin."""

RUNNING = "running"
"""Stands for the reason of an end that has not come."""

READS_AT_ONCE = 16
"""Manifests that are asked for at the same time."""


class State(Enum):
    """How far a session has come."""

    RUNNING = "running"
    """A job writes its journal now."""
    UNFINISHED = "unfinished"
    """Its job is dead, and the journal is still here."""
    FINAL = "final"
    DAMAGED = "damaged"
    """Its manifest, or every journal of it, cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session, as a listing shows it. What cannot be read of a damaged one is empty."""

    transcript_id: str
    state: State
    room: str = ""
    room_sid: str = ""
    agent: str = ""
    started_at: str = ""
    """RFC 3339, UTC."""
    duration_ms: int = 0
    turns: int = 0
    complete: bool = False
    reason: str = ""
    """Why it ended: as `part.ended` says, or crashed."""
    prefix: str = ""
    """The key under which it is stored, or will be."""
    stored: bool = False
    journals: tuple[Path, ...] = ()
    """Of its parts, on this node."""
    trouble: str = ""
    """What cannot be read, as a sentence."""


class Catalogue:
    """The sessions in a store and a journal directory."""

    def __init__(self, store: Store, journal_dir: Path) -> None:
        self._store = store
        self._journal_dir = journal_dir

    async def sessions(self, *, room: str | None = None, day: date | None = None) -> Sequence[Session]:
        """Return the sessions, newest first.

        Args:
            room: only those in rooms of this name.
            day: only those that are stored under this day, which is that of the room's creation in UTC.

        Raises:
            StorageUnwritable: the store cannot be read.
            JournalUnreadable: the journal directory cannot be read.
        """
        under = "" if day is None else f"{day:%Y/%m/%d}"
        local = await self._local()  # before the store: what is finalised meanwhile is found there
        found = {session.prefix: session for session in await self._stored(under)}
        for prefix, journals in local.told.items():
            try:
                session = await self._of_journals(prefix, journals, local.running)
                found[prefix] = replace(session, stored=prefix in found)
            except StorageError as error:
                local.troubles[journals[0].parent].append(str(error))
        at = {prefix.rpartition("/")[2]: prefix for prefix in found}
        for directory, troubles in local.troubles.items():
            prefix = at.get(directory.name, str(directory))
            session = found.get(prefix) or Session(
                transcript_id=unquote(directory.name), state=State.DAMAGED, journals=tuple(local.journals[directory])
            )
            found[prefix] = replace(session, trouble=" ".join(filter(None, [session.trouble, *troubles])))
        wanted = [
            session
            for session in found.values()
            if (room is None or session.room == room) and session.prefix.startswith(under)
        ]
        return sorted(wanted, key=lambda session: (session.started_at, session.transcript_id), reverse=True)

    async def transcript(self, session: Session) -> Transcript:
        """Return the transcript of a session: as stored, or where there are journals, as these tell it now.

        One that is running has no end yet, which a replay alone would take for a crash.

        Raises:
            TranscriptDamaged: there is nothing that could be read as a transcript.
            StorageError: it cannot be read.
        """
        if session.journals:
            transcript = await self._told(session.prefix, session.journals)
            return _so_far(transcript) if session.state is State.RUNNING else transcript
        content = await self._store.get(f"{session.prefix}/transcript.json")
        with suppress(ValidationError):
            if content is not None:
                return as_json.read(content)
        raise TranscriptDamaged(
            f"{session.transcript_id} has no transcript.json that can be read: "
            f"verbatim transcripts verify {session.transcript_id} says more"
        )

    async def readings(self, session: Session) -> Mapping[str, Reading]:
        """Return the lines of every part by its job, those that are stored and those that are still here.

        Raises:
            StorageError: they cannot be read.
        """
        return await self._readings(session.prefix, session.journals)

    async def _readings(self, prefix: str, journals: Sequence[Path]) -> Mapping[str, Reading]:
        local: list[LocalJournal] = []
        for path in journals:
            with suppress(JournalMissing):  # finalised this moment: the store has its lines
                local.append(await read(path))
        stored = await stored_parts(self._store, prefix)
        return (await asyncio.to_thread(merge, prefix, local, stored)).readings

    async def _told(self, prefix: str, journals: Sequence[Path]) -> Transcript:
        readings = await self._readings(prefix, journals)
        try:
            return await asyncio.to_thread(replay, list(readings.values()))
        except ReplayError as error:
            raise TranscriptDamaged(f"{prefix} cannot be told: {error}") from None

    async def _stored(self, under: str) -> Sequence[Session]:
        years = [each for each in await self._store.directories() if YEAR.fullmatch(each)]
        # Not all there is: the store may be a volume, with a directory in it that only the system can read.
        objects = [each for directory in ([under] if under else years) for each in await self._store.objects(directory)]
        keys = [each.key for each in objects if each.key.endswith(f"/{names.MANIFEST}") and each.key.count("/") == 5]
        at_once = asyncio.Semaphore(READS_AT_ONCE)

        async def session(key: str) -> Session:
            async with at_once:
                content = await self._store.get(key)
            return _of_manifest(key.removesuffix(f"/{names.MANIFEST}"), content or b"")

        return await asyncio.gather(*map(session, keys))

    async def _local(self) -> _Local:
        try:
            directories = await asyncio.to_thread(session_directories, self._journal_dir)
        except OSError as error:
            raise JournalUnreadable(f"{self._journal_dir} cannot be listed ({error.strerror})") from None
        local = _Local()
        for directory in directories:
            try:
                local.journals[directory] = await asyncio.to_thread(journals_in, directory)
                for journal in local.journals[directory]:
                    await _look_at(journal, local)
            except OSError as error:
                local.troubles[directory].append(f"{directory} cannot be read ({error.strerror})")
        return local

    async def _of_journals(self, prefix: str, journals: Sequence[Path], running: Collection[Path]) -> Session:
        """Return the session that `journals` and what is stored of it tell.

        Raises:
            StorageError: they do not tell of one, or cannot be read.
        """
        transcript = await self._told(prefix, journals)
        runs = any(journal in running for journal in journals)
        if runs:
            transcript = _so_far(transcript)
        return Session(
            transcript_id=transcript.transcript_id,
            state=State.RUNNING if runs else State.UNFINISHED,
            room=transcript.room.name,
            room_sid=transcript.room.sid,
            agent=transcript.agent,
            started_at=transcript.started_at,
            duration_ms=transcript.ended.ms,
            turns=len(transcript.turns),
            complete=transcript.complete,
            reason=transcript.ended.reason,
            prefix=prefix,
            journals=tuple(journals),
        )


@dataclass(frozen=True, slots=True)
class _Local:
    """The journals on this node."""

    journals: dict[Path, Sequence[Path]] = field(default_factory=dict)
    """All, by directory."""
    told: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    """Those that can be read, by the key under which their session is stored: their lines say that, not their name."""
    running: set[Path] = field(default_factory=set)
    """Those whose job lives."""
    troubles: dict[Path, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What cannot be read, as sentences, by directory."""


async def _look_at(journal: Path, local: _Local) -> None:
    if await asyncio.to_thread(_in_use, journal):
        local.running.add(journal)
    try:
        lines = (await read(journal)).lines
        if lines.reading.records:
            local.told[lines.prefix].append(journal)
    except JournalMissing:  # finalised this moment
        pass
    except StorageError as error:
        local.troubles[journal.parent].append(str(error))


def _so_far(transcript: Transcript) -> Transcript:
    """Return the transcript of a session whose last part is not dead."""
    if transcript.ended.reason != "crashed":
        return transcript
    ended = transcript.ended.model_copy(update={"reason": RUNNING})
    *before, last = transcript.parts
    gaps = [
        gap.model_copy(update={"reason": "the call is still running"})
        if gap.reason == CRASHED and gap.to_ms is None
        else gap
        for gap in transcript.gaps
    ]
    return transcript.model_copy(
        update={
            "ended": ended,
            "parts": (*before, last.model_copy(update={"ended": ended})),
            "gaps": tuple(gaps),
        }
    )


def _of_manifest(prefix: str, content: bytes) -> Session:
    *_, room, transcript_id = prefix.split("/")
    damaged = Session(
        transcript_id=unquote(transcript_id), state=State.DAMAGED, room=unquote(room), prefix=prefix, stored=True
    )
    try:
        manifest = Manifest.model_validate_json(content)
        span = datetime.fromisoformat(manifest.ended_at) - datetime.fromisoformat(manifest.started_at)
    except (ValueError, TypeError):  # no manifest, or times that are none
        return replace(damaged, trouble=f"{prefix}/{names.MANIFEST} cannot be read")
    if (names.encode(manifest.room.name), names.encode(manifest.transcript_id)) != (room, transcript_id):
        return replace(damaged, trouble=f"{prefix}/{names.MANIFEST} is that of another session")
    return Session(
        transcript_id=manifest.transcript_id,
        state=State.FINAL,
        room=manifest.room.name,
        room_sid=manifest.room.sid,
        agent=manifest.agent,
        started_at=manifest.started_at,
        duration_ms=max(0, round(span.total_seconds() * 1000)),
        turns=manifest.counts.turns,
        complete=manifest.complete,
        reason=manifest.reason,
        prefix=prefix,
        stored=True,
    )


def _in_use(journal: Path) -> bool:
    try:
        with all_held(journal):
            return False
    except JournalInUse:
        return True
    except StorageError:  # just gone
        return False
