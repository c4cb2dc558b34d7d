"""The parts of a room session on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.transcript.errors import ReplayError
from worker.transcript.events import PartEnded, PartStarted
from worker.transcript.line import Record
from worker.transcript.model import Ended
from worker.transcript.reading import Reading


@dataclass(frozen=True, slots=True)
class PartTimeline:
    """One part and its place in the session."""

    started: PartStarted
    started_at: str
    reading: Reading
    offset: int
    """Milliseconds from the session's beginning to the part's."""

    @property
    def records(self) -> tuple[Record, ...]:
        """The part's journal."""
        return self.reading.records

    @property
    def last_ms(self) -> int:
        """Time of the last event, on the session's clock."""
        return self.offset + self.records[-1].ms

    @property
    def ended(self) -> Ended:
        """The part's end: as written, else `crashed` at its last event, as every reader finds it."""
        for record in reversed(self.records):
            if isinstance(record.event, PartEnded):
                event = record.event
                return Ended(at=record.at, ms=self.offset + record.ms, reason=event.reason, detail=event.detail)
        return Ended(at=self.records[-1].at, ms=self.last_ms, reason="crashed")


def lay_out(readings: Sequence[Reading]) -> list[PartTimeline]:
    """Return the parts in their order, each with its offset from the first.

    The offset comes from the wall clocks of the nodes. A part whose clock says that it began before its
    predecessor is placed right after the predecessor's last event.

    Raises:
        ReplayError: a journal does not begin with `part.started`, or there is none.
    """
    starts = [(_started(reading), reading) for reading in readings]
    if not starts:
        raise ReplayError("no journal, so there is no call to tell of")
    starts.sort(key=lambda each: (each[0][1].part, each[0][0].at, each[0][1].job))
    laid_out: list[PartTimeline] = []
    for (record, started), reading in starts:
        offset = 0
        if laid_out:
            before = laid_out[-1]
            offset = before.offset + _milliseconds(before.started_at, record.at)
            if offset < before.offset:
                offset = before.last_ms
        laid_out.append(PartTimeline(started, record.at, reading, offset))
    return laid_out


def _started(reading: Reading) -> tuple[Record, PartStarted]:
    if not reading.records:
        raise ReplayError("a journal without a whole line tells of no call")
    first = reading.records[0]
    if not isinstance(first.event, PartStarted):
        raise ReplayError(f"a journal begins with {first.kind}, not with part.started")
    return first, first.event


def _milliseconds(earlier: str, later: str) -> int:
    span = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return round(span.total_seconds() * 1000)
