"""The lines of one part: all that are whole, and the journal that they were read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from worker.storage import names
from worker.storage.errors import JournalNotTrusted
from worker.transcript.errors import LineError
from worker.transcript.events import PartStarted
from worker.transcript.reading import Reading, read_lines
from worker.transcript.replay import transcript_id


@dataclass(frozen=True, slots=True)
class PartLines:
    """All whole lines of one part."""

    data: bytes
    reading: Reading

    @classmethod
    def of(cls, data: bytes) -> PartLines:
        """Return the whole lines at the beginning of `data`."""
        reading = read_lines(data)
        return cls(data[: reading.size], reading)

    @property
    def started(self) -> PartStarted:
        """How the part began, which says whose it is.

        Raises:
            JournalNotTrusted: the lines say no such thing.
        """
        event = self.reading.records[0].event if self.reading.records else None
        if not isinstance(event, PartStarted):
            raise JournalNotTrusted("a journal does not begin with part.started, so it belongs to no session")
        return event

    @property
    def prefix(self) -> str:
        """The key under which the part's session is stored.

        Raises:
            JournalNotTrusted: the lines do not say.
        """
        started = self.started
        session = transcript_id(started.room_sid, started.agent)
        try:
            return names.prefix(started.room_created_at, started.room, session)
        except (ValueError, OverflowError):
            return names.prefix(self.reading.records[0].at, started.room, session)


@dataclass(frozen=True, slots=True)
class LocalJournal:
    """One journal as read."""

    path: Path
    lines: PartLines
    """Of all its files, as one."""
    files: Mapping[str, bytes]
    """Each file's content by its path, first to last; at the end what was only in memory, if anything."""

    @property
    def damage(self) -> str | None:
        """The first line that cannot be taken as written, with its file and the reason; not a torn last line."""
        reading = self.lines.reading
        return None if reading.stop is None or reading.torn else self.told(reading.stop)

    def told(self, stop: LineError) -> str:
        """Return why reading stopped, with the file and the line."""
        return f"{self.file_of(stop)}, line {stop.line}: {stop.reason}"

    def file_of(self, stop: LineError) -> str:
        """Return the path of the file in which reading stopped."""
        return list(self.files)[(stop.file or 1) - 1]
