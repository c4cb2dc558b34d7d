"""Every session that can be read here: those in the store, and those whose journals are still on this node.

Made anew each time from what is stored; there is no index that could be wrong. A store may hold a hundred thousand
sessions: they are gone through by day, the newest first, and no more is asked for than is wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from pydantic import ValidationError

from worker.storage import names
from worker.storage.concurrency import in_order
from worker.storage.errors import JournalMissing, StorageError, TranscriptDamaged
from worker.storage.journal.journals import read
from worker.storage.journal.parts import LocalJournal
from worker.storage.sessions.session import RUNNING, Session, State, damaged, of_lease, of_manifest, opened
from worker.storage.sessions.under_way import Now, directory_of, look_around
from worker.storage.stores.places import ALWAYS, Span, day_of, days, prefixes
from worker.storage.stores.store import Store
from worker.storage.storing.segments import merge, stored_parts
from worker.transcript.errors import ReplayError
from worker.transcript.gaps import CRASHED
from worker.transcript.model import Transcript
from worker.transcript.reading import Reading
from worker.transcript.render import json as as_json
from worker.transcript.replay import replay

__all__ = ["Catalogue", "Session", "Span", "State"]


class Catalogue:
    """The sessions in a store and a journal directory."""

    def __init__(self, store: Store, journal_dir: Path) -> None:
        self._store = store
        self._journal_dir = journal_dir

    async def sessions(self, *, room: str | None = None, span: Span = ALWAYS) -> Sequence[Session]:
        """Return the sessions that `newest` yields."""
        return [session async for session in self.newest(room=room, span=span)]

    async def newest(self, *, room: str | None = None, span: Span = ALWAYS) -> AsyncIterator[Session]:
        """Yield the sessions, newest first: one day after the other, of which each is read when it is come to.

        Args:
            room: only those in rooms of this name.
            span: only those that are stored under these days, which are those of the room's creation in UTC.

        Raises:
            StorageUnwritable: the store cannot be read.
            JournalUnreadable: the journal directory cannot be read.
        """
        now = await self.now()
        seen: set[str] = set()
        for day in await self.days(now, span):
            keys = await self.keys(now, day, room)
            seen |= {directory_of(key) for key in keys} & now.troubled
            found = [each async for each in in_order(lambda key: self.session(now, key), keys)]
            for session in sorted(found, key=lambda each: (each.started_at, each.transcript_id), reverse=True):
                yield session
        if room is None and span == ALWAYS:
            for left in now.nowhere(seen):
                yield left

    async def now(self) -> Now:
        """Return what is under way, on this node and on others: before the store, where it is when it is final."""
        return await look_around(self._store, self._journal_dir)

    async def days(self, now: Now, span: Span = ALWAYS) -> Sequence[date]:
        """Return the days under which there are sessions, newest first."""
        under_way = {day for prefix in now.prefixes if (day := day_of(prefix)) is not None and day in span}
        return sorted({*await days(self._store, span), *under_way}, reverse=True)

    async def keys(self, now: Now, day: date, room: str | None = None) -> Sequence[str]:
        """Return the keys of a day's sessions. Those of rooms of one name cost one request."""
        stored = [prefix async for prefix in prefixes(self._store, day, room)]
        under_way = [prefix for prefix in now.prefixes if day_of(prefix) == day]
        of_room = None if room is None else names.encode(room)
        return sorted({*stored, *(each for each in under_way if of_room in (None, each.split("/")[3]))})

    async def session(self, now: Now, prefix: str) -> Session:
        """Return one session, by its key."""
        found = await self._stored(prefix, now)
        if journals := now.here.told.get(prefix):
            try:
                found = replace(await self._of_journals(prefix, journals, now), stored=found is not None)
            except StorageError as error:
                now.here.troubles[journals[0].parent].append(str(error))
        leased = now.leased.get(prefix, [])
        if found is None:
            trouble = "" if prefix in now.here.told else f"{prefix} has no {names.MANIFEST}: storing it did not end"
            found = replace(damaged(prefix), trouble=trouble)
        elsewhere = [each for each in leased if each.part.journal(self._journal_dir) not in found.journals]
        if elsewhere and found.state is not State.RUNNING:
            found = opened(found, elsewhere)
        directory = self._journal_dir / directory_of(prefix)
        troubles = [found.trouble, *now.here.troubles.get(directory, [])]
        for journal in now.here.told.get(prefix, ()):
            if journal.parent != directory:
                troubles += now.here.troubles.get(journal.parent, [])
        return replace(
            found, trouble=" ".join(filter(None, troubles)), open_jobs=tuple(each.part.job for each in leased)
        )

    async def transcript(self, session: Session) -> Transcript:
        """Return the transcript of a session: as stored, or where it is under way, as its lines tell it now.

        One that is running has no end yet, which a replay alone would take for a crash.

        Raises:
            TranscriptDamaged: there is nothing that could be read as a transcript.
            StorageError: it cannot be read.
        """
        if session.journals or session.state is State.OPEN:
            transcript = await self._told(session.prefix, session.journals)
            return _so_far(transcript) if session.state in (State.RUNNING, State.OPEN) else transcript
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

    async def _stored(self, prefix: str, now: Now) -> Session | None:
        content = await self._store.get(f"{prefix}/{names.MANIFEST}")
        if content is not None:
            return of_manifest(prefix, content)
        if prefix in now.here.told:
            return None
        for leased in now.leased.get(prefix, []):
            first = await self._store.get(names.segment(prefix, unquote(leased.part.job), 1))
            return of_lease(prefix, leased, first or b"")
        return None

    async def _of_journals(self, prefix: str, journals: Sequence[Path], now: Now) -> Session:
        """Return the session that `journals` and what is stored of it tell.

        Raises:
            StorageError: they do not tell of one, or cannot be read.
        """
        transcript = await self._told(prefix, journals)
        runs = any(journal in now.here.running for journal in journals)
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
