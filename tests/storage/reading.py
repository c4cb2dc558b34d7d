"""Journals as whoever recovers them reads them: all files of one, joined."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from worker.storage.names import journal_of
from worker.transcript.events import ErrorRaised, Event, Gap, Note
from worker.transcript.joining import join_files
from worker.transcript.reading import Reading

DEADLINE_S = 20


def files(journal: Path) -> list[Path]:
    """All files of a journal, first to last."""
    found = {}
    for path in journal.parent.iterdir() if journal.parent.is_dir() else ():
        named = journal_of(path)
        if named is not None and named[0] == journal:
            found[named[1]] = path
    return [found[number] for number in sorted(found)]


def read(journal: Path, memory: bytes = b"") -> Reading:
    """What a journal tells, with what is only in memory."""
    return join_files([*[path.read_bytes() for path in files(journal)], memory])[1]


def events(journal: Path, memory: bytes = b"") -> list[Event]:
    """All events of a journal that is whole."""
    reading = read(journal, memory)
    assert reading.stop is None, reading.stop
    found = [record.event for record in reading.records if record.event is not None]
    assert len(found) == len(reading.records)
    return found


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Note)]


def gaps(events: list[Event]) -> list[Gap]:
    return [event for event in events if isinstance(event, Gap)]


def errors(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, ErrorRaised)]


async def until(condition: Callable[[], object]) -> None:
    """Wait for `condition`, at most `DEADLINE_S`."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110  (what is waited for knows nothing of events)
            await asyncio.sleep(0.001)
