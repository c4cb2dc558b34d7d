"""The manifest: what was stored for a session. Written last, so that it vouches for all; `checking` checks it.

It holds no time of its own making: the same events give the same bytes on every node.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import StringConstraints

from worker.transcript.model import Model, Room, Transcript
from worker.transcript.reading import Reading

FORMAT = "verbatim.manifest/1"

COMPONENT = "[A-Za-z0-9_~%-][A-Za-z0-9._~%-]{0,254}"
FileName = Annotated[str, StringConstraints(pattern=f"^{COMPONENT}(/{COMPONENT})*$")]
"""Made of percent-encoded names: it never leads out of the session's directory."""


class StoredFile(Model):
    """One file beside the manifest."""

    size: int
    """Bytes."""
    sha256: str
    """64 hexadecimal digits."""


State = Literal["open", "final"]
"""`open` while parts may follow."""


class StoredPart(Model):
    """How far one part's journal is stored."""

    part: int
    """Number of the part, from 1."""
    job: str
    """Id of its job."""
    events: int
    """Lines of its journal."""
    last_seq: int
    """`seq` of the last one."""
    head: str
    """`h` of the last line: the chain up to it is what the transcript was made from."""
    source: Literal["journal", "segments"] = "journal"
    """Where the lines are from: the journal on the part's own node, or only what that node had sent to the store."""


class Counts(Model):
    """Sizes that a listing wants without opening the transcript."""

    turns: int
    """Turns of all roles."""
    participants: int
    """Everyone but the agent."""
    gaps: int
    """0 where the transcript is complete."""
    errors: int
    """What failed during the session."""


class Manifest(Model):
    """What `manifest.json` holds."""

    format: str = FORMAT
    """Name and version of this format."""
    state: Literal["open", "final"]
    """`open` while parts may follow."""
    generation: int
    """Rises by one whenever more events replace fewer."""
    transcript_id: str
    """`<room sid>-<agent>`."""
    room: Room
    """The LiveKit room session."""
    agent: str
    """Name of the agent."""
    started_at: str
    """When the first part began: RFC 3339, UTC."""
    ended_at: str
    """When the last one ended: RFC 3339, UTC."""
    reason: str
    """Why it ended, as in the transcript."""
    complete: bool
    """Whether everything that was said is in the transcript."""
    counts: Counts
    """For listings."""
    parts: tuple[StoredPart, ...]
    """Every part that the transcript was made from."""
    files: dict[FileName, StoredFile]
    """By name, relative to the manifest."""

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        return (json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n").encode()


def manifest_of(
    transcript: Transcript,
    readings: Mapping[str, Reading],
    files: Mapping[str, bytes],
    generation: int,
    from_segments: Collection[str] = (),
) -> Manifest:
    """Return the final manifest of a session.

    Args:
        transcript: the replay of `readings`.
        readings: each part's journal, by job.
        files: content of every file stored beside the manifest, by name.
        generation: 1 at first, one more than the stored one when more events replace fewer.
        from_segments: jobs of the parts whose own journal was not read.
    """
    return Manifest(
        state="final",
        generation=generation,
        transcript_id=transcript.transcript_id,
        room=transcript.room,
        agent=transcript.agent,
        started_at=transcript.started_at,
        ended_at=transcript.ended.at,
        reason=transcript.ended.reason,
        complete=transcript.complete,
        counts=Counts(
            turns=len(transcript.turns),
            participants=len(transcript.participants),
            gaps=len(transcript.gaps),
            errors=len(transcript.errors),
        ),
        parts=tuple(
            _stored_part(part.part, part.job, readings[part.job], part.job in from_segments)
            for part in transcript.parts
        ),
        files={name: stored_file(files[name]) for name in sorted(files)},
    )


def stored_file(content: bytes) -> StoredFile:
    """Return what the manifest says of a file with `content`."""
    return StoredFile(size=len(content), sha256=sha256(content).hexdigest())


def _stored_part(part: int, job: str, reading: Reading, from_segments: bool) -> StoredPart:
    last = reading.records[-1]
    return StoredPart(
        part=part,
        job=job,
        events=len(reading.records),
        last_seq=last.seq,
        head=last.h,
        source="segments" if from_segments else "journal",
    )
