"""Which file a journal is written to: one at a time, and the next when that one fails or does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.journal.file import JournalFile, Vanished
from worker.storage.journal.writer import Writer
from worker.storage.names import successor_path


class Succession:
    """The files of one journal, in the order in which they took over. For one event loop's thread.

    While a file does not answer, a successor is tried beside it and both are given all lines; the one that first
    has what it was given on the disk goes on alone. A file that failed is never written or synced again.
    """

    def __init__(
        self,
        first: JournalFile,
        journal: Path,
        disk: Disk,
        synced: Callable[[int], None],
        failed: Callable[[OSError], None],
    ) -> None:
        """Begin with the file `first`.

        Args:
            first: the journal's first file, empty.
            journal: its path.
            disk: where successors are made.
            synced: is told below which number all lines are on the disk.
            failed: is told why a file failed, or an attempt at a successor.
        """
        self._journal = journal
        self._disk = disk
        self._loop = asyncio.get_running_loop()
        self._synced = synced
        self._failed = failed
        self._number = 0
        self._earlier: list[JournalFile] = []
        self._retired: list[Writer] = []
        self._attempt: Writer | None = None
        self._current: Writer | None = Writer(lambda: first, (), 0, self._loop, self._report)

    @property
    def writing(self) -> bool:
        """Whether there is a file that has not failed."""
        return self._current is not None

    def write(self, line: bytes) -> None:
        """Put `line` after all before it."""
        for writer in self._live():
            writer.write(line)

    def try_successor(self, lines: Iterable[bytes], seq: int) -> None:
        """Begin another file with `lines`, the first of which has number `seq`, unless one is being tried."""
        if self._attempt is not None:
            return
        self._number += 1
        path = successor_path(self._journal, self._number)
        begin = partial(JournalFile.create, path, self._disk)
        self._attempt = Writer(begin, self._held_files(), seq, self._loop, self._report)
        for each in lines:
            self._attempt.write(each)

    def end(self) -> None:
        """Let what was given be finished."""
        for writer in self._live():
            writer.end()

    def join(self, seconds: float) -> None:
        """Wait until that is done, at most `seconds`. Blocks."""
        until = time.monotonic() + seconds
        for writer in self._live():
            writer.join(max(0.0, until - time.monotonic()))

    def close(self, seconds: float) -> None:
        """Close the files of the past too, in at most `seconds`. Blocks.

        Nobody waits for one that was given up and still hangs: it is closed when its disk answers.
        """
        until = time.monotonic() + seconds
        for writer in self._retired:
            writer.end()
            if not writer.stuck:
                writer.join(max(0.0, until - time.monotonic()))

    def _live(self) -> list[Writer]:
        return [writer for writer in (self._attempt, self._current) if writer is not None]

    def _held_files(self) -> list[JournalFile]:
        """Return the files that hold what was synced so far, first to last."""
        current = self._current.file if self._current is not None else None
        return [*self._earlier, *([current] if current is not None else [])]

    def _report(self, writer: Writer, error: OSError | None) -> None:
        if writer is not self._current and writer is not self._attempt:
            return
        if error is None:
            self._go_on_with(writer)
            self._synced(writer.synced)
            return
        if isinstance(error, Vanished):
            self._begin_anew()
        elif writer is self._current:
            self._retire_current()
        else:
            self._drop_attempt()
        self._failed(error)

    def _go_on_with(self, writer: Writer) -> None:
        if writer is self._current:
            self._drop_attempt()
            return
        self._retire_current()
        self._current, self._attempt = writer, None

    def _begin_anew(self) -> None:
        """Build on no file so far: whatever comes next holds everything."""
        self._drop_attempt()
        self._retire_current()
        self._earlier.clear()

    def _retire_current(self) -> None:
        if self._current is not None:
            self._earlier = self._held_files()
            self._current.retire()
            self._retired.append(self._current)
            self._current = None

    def _drop_attempt(self) -> None:
        if self._attempt is not None:
            self._attempt.discard()
            self._attempt = None
