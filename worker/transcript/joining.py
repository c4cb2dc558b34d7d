"""The files of one part's journal as one.

A journal whose disk failed goes on in a successor file, which begins with the lines that were not known to be
synced. So a line may be in several files, and a file may break off, or be damaged by the failure, where another
has it whole: each `seq` is taken once, and what one file lacks another may have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO

from worker.transcript.errors import LineDamaged
from worker.transcript.line import Record
from worker.transcript.reading import Reading, read_lines


def join_files(files: Sequence[bytes]) -> tuple[bytes, Reading]:
    """Return all whole lines of a journal as one file would hold them, and their reading.

    The reading's `stop` is the trouble that no other file makes good. Never raises.

    Args:
        files: content of the journal's files, first to last. One that is gone may be missing.
    """
    lines: list[bytes] = []
    records: list[Record] = []
    reading = Reading((), None, 0)
    for place, data in enumerate(files):
        seq = _first_seq(data)
        if seq is None:
            follows = place == 0 and data
            reading = read_lines(data) if follows else reading  # an empty or torn successor says nothing
            continue
        if seq > len(records):
            stop = LineDamaged(f"file {place + 1} goes on with seq {seq}, and seq {len(records)} is nowhere")
            reading = Reading((), stop, 0)
            break
        found = read_lines(data, seq, records[seq - 1].h if seq else "")
        known = len(records) - seq
        if any(here.h != there.h for here, there in zip(found.records, records[seq:], strict=False)):
            reading = Reading((), LineDamaged(f"file {place + 1} tells seq {seq} and what follows otherwise"), 0)
            break
        if len(found.records) >= known:
            reading = found
        records += found.records[known:]
        lines += list(BytesIO(data[: found.size]))[known:]
    whole = b"".join(lines)
    return whole, Reading(tuple(records), reading.stop, len(whole))


def _first_seq(data: bytes) -> int | None:
    """Return the number of a file's first line, as it stands there, or `None` where no whole line is."""
    line, feed, _ = data.partition(b"\n")
    try:
        seq = json.loads(line)["seq"] if feed else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return seq if isinstance(seq, int) and seq >= 0 else None
