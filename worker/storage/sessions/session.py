"""A session as a listing shows it: told by its manifest, or while it is under way by its lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from worker.storage import names
from worker.storage.errors import JournalNotTrusted
from worker.storage.journal.parts import PartLines
from worker.storage.storing.leases import Lease, OpenPart
from worker.transcript.integrity import Manifest

RUNNING = "running"
"""Stands for the reason of an end that has not come."""

SILENT = "node is silent"
"""The same of a part on another node that has given no sign of life for long."""

SILENT_AFTER = timedelta(seconds=90)
"""Age of a lease, renewed every 30 s, from which its node is called silent. A listing's word, and nobody's ground to
act: the two clocks may differ."""


class State(Enum):
    """How far a session has come."""

    RUNNING = "running"
    """A job writes its journal now, on this node."""
    OPEN = "open"
    """A part of it runs on another node, or that node was lost and nobody has finished it yet."""
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
    turns: int | None = 0
    """`None` where that is not known without reading all of it: of an open one."""
    complete: bool = False
    reason: str = ""
    """Why it ended: as `part.ended` says, or crashed."""
    prefix: str = ""
    """The key under which it is stored, or will be."""
    stored: bool = False
    journals: tuple[Path, ...] = ()
    """Of its parts, on this node."""
    open_jobs: tuple[str, ...] = ()
    """Encoded jobs of the parts that have a lease."""
    trouble: str = ""
    """What cannot be read, as a sentence."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A part that has a lease."""

    part: OpenPart
    lease: Lease


def of_manifest(prefix: str, content: bytes) -> Session:
    """Return the session whose manifest has this content."""
    *_, room, transcript_id = prefix.split("/")
    unread = replace(damaged(prefix), stored=True)
    try:
        manifest = Manifest.model_validate_json(content)
        span = datetime.fromisoformat(manifest.ended_at) - datetime.fromisoformat(manifest.started_at)
    except (ValueError, TypeError):  # no manifest, or times that are none
        return replace(unread, trouble=f"{prefix}/{names.MANIFEST} cannot be read")
    if (names.encode(manifest.room.name), names.encode(manifest.transcript_id)) != (room, transcript_id):
        return replace(unread, trouble=f"{prefix}/{names.MANIFEST} is that of another session")
    return Session(
        transcript_id=manifest.transcript_id,
        state=State.OPEN if manifest.state == "open" else State.FINAL,
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


def damaged(prefix: str) -> Session:
    """Return a session of which nothing but the key is known."""
    *_, room, transcript_id = prefix.split("/")
    return Session(transcript_id=unquote(transcript_id), state=State.DAMAGED, room=unquote(room), prefix=prefix)


def of_lease(prefix: str, leased: Leased, first: bytes) -> Session:
    """Return a session of which nothing is final, as its lease and its first segment tell it."""
    renewed = leased.part.modified
    session = replace(
        damaged(prefix),
        state=State.OPEN,
        room=leased.lease.room,
        room_sid=leased.lease.room_sid,
        started_at=renewed.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        turns=None,
    )
    lines = PartLines.of(first)
    try:
        agent, began = lines.started.agent, lines.reading.records[0].at
    except JournalNotTrusted:  # it has just begun, or somebody else put that there
        return session
    ran = renewed - datetime.fromisoformat(began)
    return replace(
        session,
        agent=agent,
        started_at=began,
        duration_ms=max(0, round(ran.total_seconds() * 1000)),
    )


def opened(session: Session, leased: Sequence[Leased]) -> Session:
    """Return the session as one of which a part is not over yet, on another node."""
    renewed = max(each.part.modified for each in leased)
    lively = datetime.now(UTC) - renewed < SILENT_AFTER
    return replace(session, state=State.OPEN, complete=False, reason=RUNNING if lively else SILENT)
