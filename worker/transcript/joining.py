"""The files of one part's journal as one.

A journal whose disk failed goes on in a successor file, which begins with the lines that were not known to be
synced. So a line may be in several files, and a file may break off, or be damaged by the failure, where another
has it whole: each `seq` is taken once, from the first file that has it whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from worker.transcript.errors import LineDamaged, LineError, LineNewer, LineTorn
from worker.transcript.line import Record, decode
from worker.transcript.reading import Reading

NUMBERED = re.compile(rb'\{"v":\d+,"seq":(\d{1,15}),')
"""How a line begins, in every format version."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as it stands in a file, whatever it is worth."""

    file: int | None
    """Number of its file, from 1; `None` where there is only one."""
    number: int
    """In its file, from 1."""
    data: bytes


def join_files(files: Sequence[bytes]) -> tuple[bytes, Reading]:
    """Return all whole lines of a journal as one file would hold them, and their reading.

    The reading's `stop` is the first trouble that no other file makes good. Never raises.

    Args:
        files: content of the journal's files, first to last. One that is gone may be missing.
    """
    told, lost = _by_seq(files)
    records: list[Record] = []
    lines: list[bytes] = []
    stop: LineError | None = None
    while stop is None and len(records) in told:
        found, stop = _take(told[len(records)], len(records), records[-1].h if records else "")
        if found is not None:
            record, line = found
            records.append(record)
            lines.append(line)
    if stop is None or isinstance(stop, LineTorn):
        stop = _hole(told, len(records)) or lost or stop
    whole = b"".join(lines)
    return whole, Reading(tuple(records), stop, len(whole))


def _by_seq(files: Sequence[bytes]) -> tuple[Mapping[int, Sequence[_Line]], LineError | None]:
    """Return all lines by their `seq`, and the first line of a file that has no place among the others."""
    told: dict[int, list[_Line]] = defaultdict(list)
    lost: LineError | None = None
    for place, data in enumerate(files):
        file = place + 1 if len(files) > 1 else None
        lines = [_Line(file, number, line) for number, line in enumerate(BytesIO(data), start=1)]
        seq = _first_seq(lines)
        if seq is None and place and b"\n" in data:  # without a whole line nothing was accepted in it
            lost = lost or LineDamaged("no line of the file tells its number").on(1, file)
        if seq is None and place:
            continue
        seq = seq or 0
        for line in lines:
            # A line comes after the one before it, and where lines are missing, at the number that it tells.
            seq = max(seq, _own_seq(line) or 0)
            told[seq].append(line)
            seq += 1
    return told, lost


def _first_seq(lines: Sequence[_Line]) -> int | None:
    """Return the number of a file's first line, by the first line that tells its own."""
    for place, line in enumerate(lines):
        seq = _own_seq(line)
        if seq is not None and seq >= place:
            return seq - place
    return None


def _own_seq(line: _Line) -> int | None:
    numbered = NUMBERED.match(line.data)
    return int(numbered[1]) if numbered else None


def _take(lines: Sequence[_Line], seq: int, previous: str) -> tuple[tuple[Record, bytes] | None, LineError | None]:
    """Return what the first whole one of `lines` tells, and why it cannot be taken, if so."""
    found: tuple[Record, bytes] | None = None
    errors: list[LineError] = []
    for line in lines:
        if found is not None and line.data == found[1]:
            continue
        try:
            record = decode(line.data, seq, previous)
        except LineError as error:
            errors.append(error.on(line.number, line.file))
            continue
        if found is not None:
            return None, LineDamaged(f"another file tells seq {seq} otherwise").on(line.number, line.file)
        found = record, line.data
    if found is not None:
        return found, None
    # The worst of them: a newer line is whole, and a damaged one may have been accepted.
    return None, min(errors, key=lambda error: (not isinstance(error, LineNewer), isinstance(error, LineTorn)))


def _hole(told: Mapping[int, Sequence[_Line]], seq: int) -> LineError | None:
    """Return an error if a file goes on after number `seq`, which no file has whole."""
    later = [number for number in told if number > seq]
    if not later:
        return None
    line = told[min(later)][0]
    return LineDamaged(f"it goes on with seq {min(later)}, and seq {seq} is nowhere").on(line.number, line.file)
