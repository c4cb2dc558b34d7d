"""What other nodes left: parts that have a lease, which nobody renews, and no journal on this node.

A part is finished here only when two things hold. Its lease was not put again while this node watched it for
`LEASE_AGE_S`: no clock has a say in that but this node's own count of seconds, so that a wrong time of day, here or at
the store, neither ages a lease nor keeps it young. And LiveKit does not list the part's agent in its room: a node
that is cut off from the store, and not from its call, is left alone.

Many nodes may watch the same leases. Each takes them in another order, and puts a lease again before it finishes
the part, so that the others begin to watch it anew. Where two finish a part all the same, they store the same bytes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from random import SystemRandom
from typing import Protocol

from worker.storage import names
from worker.storage.errors import LeaseNotTrusted, RoomsUnknown, StorageError, StorageUnwritable
from worker.storage.journal.journals import files_of
from worker.storage.recovery.lost_parts import finish
from worker.storage.recovery.sweep import Outcome, State, trouble_of
from worker.storage.stores.store import Store
from worker.storage.storing.going_on import state_beside
from worker.storage.storing.leases import Lease, OpenPart, open_parts, read_lease
from worker.transcript.integrity import State as ManifestState
from worker.transcript.render import Render

LEASE_AGE_S = 60.0
"""How long a lease is watched that nobody renews. Source: DESIGN 3.6."""

PART_DEADLINE_S = 120.0
"""How long one part may take: the others wait for it."""

ASKED_AT_ONCE = 16
"""Parts whose rooms are asked for together: the answer is used within the time that so many take."""

YOUNG = f"in use on another node: its lease was renewed, or watched for less than {LEASE_AGE_S:.0f} s"

random = SystemRandom()


class Rooms(Protocol):
    """Who knows which agents are in their rooms."""

    async def agents_in(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Return those whose agent is in the room of that name and id now.

        Raises:
            RoomsUnknown: it cannot be said now.
        """
        ...


class OtherNodes:
    """Finishes what other nodes left in a store; remembers the leases that it has seen."""

    def __init__(
        self,
        journal_dir: Path,
        store: Store,
        formats: Mapping[str, Render],
        rooms: Rooms,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with no lease seen.

        Args:
            journal_dir: where all journals of this node are.
            store: where leases and segments are, and transcripts go.
            formats: how a transcript is rendered, by the extension of its file.
            rooms: who is asked whether an agent is in its room.
            clock: counts seconds, never backwards.
        """
        self._journal_dir = journal_dir
        self._store = store
        self._formats = formats
        self._rooms = rooms
        self._clock = clock
        self._watched: dict[str, tuple[datetime, float]] = {}
        """Of each lease the time that the store gave it, and since when it has had that."""
        self._left: dict[str, tuple[datetime, str]] = {}
        """Of each that is not followed the time that the store gave it, and why."""

    async def sweep(self, *, dry_run: bool = False, age_s: float = LEASE_AGE_S) -> Sequence[Outcome]:
        """Finish every part that can be, and say what became of each whose journal is not on this node.

        Costs one listing where no lease is old.

        Args:
            dry_run: change nothing, only tell.
            age_s: how long a lease must have been watched; less than `LEASE_AGE_S` is for a dry run alone.

        Raises:
            StorageUnwritable: the leases cannot be listed.
        """
        if not self._store.leaves_the_node:
            return []
        parts, foreign = await open_parts(self._store)
        self._watch(parts)
        outcomes = [_foreign(key, self._journal_dir) for key in foreign]
        elsewhere = await asyncio.to_thread(self._elsewhere, parts)
        old = [part for part in elsewhere if self._age(part) >= age_s]
        outcomes += [self._outcome(part, State.IN_USE, YOUNG) for part in set(elsewhere) - set(old)]
        random.shuffle(old)
        for place in range(0, len(old), ASKED_AT_ONCE):
            outcomes += [each async for each in self._look_into(old[place : place + ASKED_AT_ONCE], dry_run)]
            if waiting := [each for each in outcomes if each.state is State.WAITING]:
                rest = old[place + ASKED_AT_ONCE :]
                outcomes += [self._waiting(part, waiting[0].reason, by_store=waiting[0].by_store) for part in rest]
                break
        return sorted(outcomes, key=lambda outcome: outcome.lease)

    def _watch(self, parts: Sequence[OpenPart]) -> None:
        now = self._clock()
        before = self._watched
        self._watched = {}
        for part in parts:
            modified, since = before.get(part.key, (part.modified, now))
            self._watched[part.key] = (part.modified, since if modified == part.modified else now)
        self._left = {key: left for key, left in self._left.items() if key in self._watched}

    def _age(self, part: OpenPart) -> float:
        """Return for how many seconds, at least, the lease was not renewed."""
        return self._clock() - self._watched[part.key][1]

    def _elsewhere(self, parts: Sequence[OpenPart]) -> list[OpenPart]:
        """Return those of which there is no journal here: these are the business of this node's own sweep. Blocks."""
        return [part for part in parts if not files_of(part.journal(self._journal_dir))]

    async def _look_into(self, parts: Sequence[OpenPart], dry_run: bool) -> AsyncIterator[Outcome]:
        leases: dict[OpenPart, Lease] = {}
        for part in parts:
            found = await self._lease_of(part)
            if isinstance(found, Outcome):
                yield found
            elif found is not None:
                leases[part] = found
        try:
            present = await self._rooms.agents_in(list(leases.values())) if leases else ()
        except RoomsUnknown as error:
            for part in leases:
                yield self._waiting(part, str(error))
            return
        away = ""
        for part, lease in leases.items():
            if lease in present:
                yield self._outcome(
                    part, State.IN_USE, f"in use on another node: {lease.agent_identity} is in the room"
                )
            elif dry_run:
                yield self._outcome(part, State.WOULD_FINALISE)
            elif away:
                yield self._waiting(part, away, by_store=True)
            elif (became := await self._finished(part, lease)) is not None:
                away = await trouble_of(self._store) if became.by_store else ""
                yield self._waiting(part, away, by_store=True) if away else became

    async def _lease_of(self, part: OpenPart) -> Lease | Outcome | None:
        """Return a lease that can be followed, or why it is not; nothing when it has just gone."""
        modified, why = self._left.get(part.key, (None, ""))
        if modified == part.modified:
            return self._outcome(part, State.LEFT, why, lasting=True)
        try:
            return await read_lease(self._store, part)
        except StorageError as error:
            return self._failed(part, error)

    async def _finished(self, part: OpenPart, lease: Lease) -> Outcome | None:
        """Finish a part and remove its lease last; nothing where another node was quicker."""
        try:
            async with asyncio.timeout(PART_DEADLINE_S):
                same = [each for each in (await open_parts(self._store, part.session))[0] if each.key == part.key]
                if not same:
                    return None
                if same != [part]:
                    return self._outcome(part, State.IN_USE, YOUNG)
                await self._store.put(part.key, lease.encode())
                finished = await finish(part, lease, self._store, self._formats, await self._state_beside(part))
                await self._store.delete(part.key)
                stored = finished.stored
                # Another node may have finished another part meanwhile, and taken this one for one that goes on.
                told_open = stored is not None and stored.manifest.state == "open"
                if told_open and await self._state_beside(part) == "final":
                    finished = await finish(part, lease, self._store, self._formats, "final")
        except Exception as error:
            return self._failed(part, error)
        stored = finished.stored
        address = self._store.address(f"{stored.prefix}/{names.MANIFEST}") if stored is not None else ""
        return self._outcome(part, State.FINALISED, finished.remark, address=address)

    async def _state_beside(self, part: OpenPart) -> ManifestState:
        journal = part.journal(self._journal_dir)
        return await state_beside(self._store, journal.parent, [journal])

    def _failed(self, part: OpenPart, error: Exception) -> Outcome:
        match error:
            case LeaseNotTrusted():
                self._left[part.key] = (part.modified, str(error))
                return self._outcome(part, State.LEFT, str(error), lasting=True)
            case StorageUnwritable():
                return self._outcome(part, State.LEFT, str(error), by_store=True)
            case StorageError():
                return self._outcome(part, State.LEFT, str(error))
            case TimeoutError():
                reason = f"it took longer than {PART_DEADLINE_S:.0f} s"
            case _:  # its text may quote what was said
                reason = type(error).__name__
        return self._outcome(part, State.LEFT, f"{part.key} cannot be finished ({reason}): it is tried again")

    def _waiting(self, part: OpenPart, reason: str, *, by_store: bool = False) -> Outcome:
        return self._outcome(part, State.WAITING, reason, by_store=by_store)

    def _outcome(
        self,
        part: OpenPart,
        state: State,
        reason: str = "",
        *,
        address: str = "",
        lasting: bool = False,
        by_store: bool = False,
    ) -> Outcome:
        journal = part.journal(self._journal_dir)
        return Outcome(journal, state, reason, address, lasting, by_store, lease=part.key)


def _foreign(key: str, journal_dir: Path) -> Outcome:
    reason = f"{key} is among the leases and is none: look at what it is, and remove it"
    return Outcome(journal_dir / key, State.LEFT, reason, lasting=True, lease=key)
