"""The lease of an open part: `open/<transcript_id>/<job_id>` says that it lives, and where its segments are.

What others may have put among the leases is not believed: neither a key nor a content leads anywhere but to the
session and the room that the part's own first line names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from worker.storage import names
from worker.storage.errors import JournalNotTrusted, LeaseNotTrusted
from worker.storage.journal.parts import PartLines
from worker.storage.stores.store import Store, StoredObject
from worker.transcript.integrity import COMPONENT
from worker.transcript.replay import transcript_id

LARGEST = 4096
"""Bytes a lease may have: four names, of which LiveKit allows 256 letters each."""

KEY = re.compile(f"{names.LEASES}/({COMPONENT})/({COMPONENT})")

Prefix = Annotated[str, StringConstraints(pattern=f"^[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}/{COMPONENT}/{COMPONENT}$")]


class Lease(BaseModel):
    """What the lease of an open part holds, for whoever may have to finish it: nothing that was said."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prefix: Prefix
    """The key under which the session is stored."""
    room: str
    room_sid: str
    agent_identity: str
    """The part's agent as a participant of the room."""

    def encode(self) -> bytes:
        """Return the object's content."""
        return json.dumps(self.model_dump(), sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A part that has a lease, as a listing shows it."""

    key: str
    session: str
    """The encoded name of the session, as its journals' directory has it."""
    job: str
    """The encoded job, as its journal's file has it."""
    size: int
    """Bytes of the lease."""
    modified: datetime
    """When the lease was last put, by the store's clock: good for nothing but to see whether it was put again."""

    @classmethod
    def of(cls, listed: StoredObject) -> OpenPart | None:
        """Return the part whose lease is `listed`. `None`: it has not the key of a lease."""
        found = KEY.fullmatch(listed.key)
        return cls(listed.key, found[1], found[2], listed.size, listed.modified) if found is not None else None

    def journal(self, journal_dir: Path) -> Path:
        """Return where the part's journal is, if it is on this node."""
        return journal_dir / self.session / f"{self.job}.jsonl"


async def open_parts(store: Store, session: str = "") -> tuple[Sequence[OpenPart], Sequence[str]]:
    """Return every part that has a lease, and the keys of what else is there: one listing.

    Args:
        store: where leases are.
        session: only the parts of this one, by its encoded name.

    Raises:
        StorageUnwritable: the store cannot be listed.
    """
    parts: list[OpenPart] = []
    foreign: list[str] = []
    for listed in await store.objects(f"{names.LEASES}/{session}" if session else names.LEASES):
        part = OpenPart.of(listed)
        foreign.append(listed.key) if part is None else parts.append(part)
    return parts, foreign


async def read_lease(store: Store, part: OpenPart) -> Lease | None:
    """Return the lease of a part, or `None` where it has just gone.

    Raises:
        LeaseNotTrusted: it is too large, cannot be read, or names another session.
        StorageUnwritable: the store cannot be asked.
    """
    if part.size > LARGEST:
        raise _not_trusted(part, f"it has {part.size} bytes")
    content = await store.get(part.key)
    if content is None:
        return None
    try:
        lease = Lease.model_validate_json(content)
    except ValidationError:
        raise _not_trusted(part, "it cannot be read") from None
    _, _, _, room, session = lease.prefix.split("/")
    if (room, session) != (names.encode(lease.room), part.session):
        raise _not_trusted(part, "it names another session")
    return lease


def check_lease(part: OpenPart, lease: Lease, lines: PartLines) -> None:
    """Hold what a lease says against the part's own first line.

    Raises:
        LeaseNotTrusted: they are not of the same part.
        JournalNotTrusted: the lines do not say which part they are.
    """
    try:
        started, prefix = lines.started, lines.prefix
    except JournalNotTrusted as error:
        raise _not_trusted(part, str(error)) from None
    journal = names.journal_path(Path(), transcript_id(started.room_sid, started.agent), started.job)
    told = Lease.model_construct(
        prefix=prefix, room=started.room, room_sid=started.room_sid, agent_identity=started.agent_identity
    )
    if names.lease(journal) != part.key or told != lease:
        raise _not_trusted(part, "the lines of its part say otherwise")


def _not_trusted(part: OpenPart, why: str) -> LeaseNotTrusted:
    return LeaseNotTrusted(f"the lease {part.key} is not followed ({why}): look at who put it, and remove it")
