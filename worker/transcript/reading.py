"""Many lines of a journal back into records.

Reading stops at the first line that cannot be taken as written and keeps everything before it: what comes
back is always exactly a prefix of what was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from worker.transcript.errors import LineError, LineTorn
from worker.transcript.line import Record, decode


@dataclass(frozen=True, slots=True)
class Reading:
    """The lines of one part, as far as they are whole."""

    records: tuple[Record, ...]
    stop: LineError | None
    """Why reading ended before the end of the data, or `None`."""
    size: int
    """Bytes that `records` take up, from the beginning of the data."""

    @property
    def torn(self) -> bool:
        """Whether the last line was cut off by the writer's death: a loss of nothing that was accepted."""
        return isinstance(self.stop, LineTorn)

    @property
    def head(self) -> str:
        """The last record's `h`, which vouches for all before it; "" without records."""
        return self.records[-1].h if self.records else ""


def read_lines(data: bytes, seq: int = 0, previous: str = "") -> Reading:
    """Read lines that begin with number `seq` and follow the chain link `previous`. Never raises."""
    records: list[Record] = []
    size = 0
    stop: LineError | None = None
    for number, line in enumerate(BytesIO(data), start=1):
        try:
            record = decode(line, seq, previous)
        except LineError as error:
            stop = error.on(number)
            break
        records.append(record)
        size += len(line)
        seq, previous = seq + 1, record.h
    return Reading(tuple(records), stop, size)
