"""What journals and stored files are called.

Rooms, agents and jobs are named by others, so every such name is percent-encoded, and no longer than a file
system takes. The same session has the same names on every node.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

LONGEST = 120
"""Bytes an encoded name may have: file systems stop at 255, and endings and temporary names need room."""
KEPT = 80
"""Bytes kept of a longer one, before its hash."""

MANIFEST = "manifest.json"

LEASES = "open"
"""What the keys of all leases begin with."""

SEGMENT = re.compile(r"/parts/([^/]+)/[0-9]{6}\.jsonl")
JOURNAL_FILE = re.compile(r"([^.]+)(?:\.([1-9][0-9]*))?\.jsonl")


def encode(name: str) -> str:
    """Return `name` as one component of a path or key: letters, digits, `_`, `-`, `~`, `.` and `%XX`.

    A leading dot is encoded too, so that no name is hidden or means a directory above. Beyond `LONGEST` bytes
    it becomes its first `KEPT` bytes and a hash of the whole.
    """
    encoded = quote(name, safe="", errors="surrogatepass") or "%"
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if len(encoded) <= LONGEST:
        return encoded
    return f"{encoded[:KEPT]}-{sha256(encoded.encode()).hexdigest()[:16]}"


def journal_path(journal_dir: Path, transcript_id: str, job: str) -> Path:
    """Return where a part's journal begins."""
    # A dot would let a job's name pass for another's successor.
    return journal_dir / encode(transcript_id) / f"{encode(job).replace('.', '%2E')}.jsonl"


def successor_path(journal: Path, number: int) -> Path:
    """Return where a journal goes on after its disk failed for the `number`th time, counted from 1."""
    return journal.with_name(f"{journal.name.removesuffix('.jsonl')}.{number}.jsonl")


def journal_of(file: Path) -> tuple[Path, int] | None:
    """Return the journal that a file belongs to, and its number there: 0 for the first. `None`: it is no journal's."""
    found = JOURNAL_FILE.fullmatch(file.name)
    return (file.with_name(f"{found[1]}.jsonl"), int(found[2] or 0)) if found else None


def is_session(directory: Path) -> bool:
    """Return whether a directory among the journals is named as `journal_path` names a session's."""
    return "-" in directory.name and encode(unquote(directory.name)) == directory.name


def prefix(room_created_at: str, room: str, transcript_id: str) -> str:
    """Return the key under which everything of a session is stored, without a slash at the end.

    Args:
        room_created_at: RFC 3339; its date in UTC goes into the key.
        room: the room's name.
        transcript_id: the session's and agent's.

    Raises:
        ValueError: `room_created_at` is no time.
    """
    created = datetime.fromisoformat(room_created_at)
    day = created.replace(tzinfo=created.tzinfo or UTC).astimezone(UTC)
    return f"{day:%Y/%m/%d}/{encode(room)}/{encode(transcript_id)}"


def segment(prefix: str, job: str, number: int) -> str:
    """Return the key of a part's journal segment, counted from 1; segments sort by name."""
    return f"{segments(prefix, job)}/{number:06}.jsonl"


def segments(prefix: str, job: str) -> str:
    """Return the key under which a part's journal segments are."""
    return f"{prefix}/parts/{encode(job)}"


def lease(journal: Path) -> str:
    """Return the key of the lease of the part whose journal this is."""
    return f"{LEASES}/{journal.parent.name}/{journal.name.removesuffix('.jsonl')}"


def job_of_segment(prefix: str, key: str) -> str | None:
    """Return the encoded job whose journal segment has `key`. `None`: it is the key of something else."""
    found = SEGMENT.fullmatch(key.removeprefix(prefix))
    return found[1] if found else None
