"""The thread that puts a journal's lines on the disk: everything that waits goes with one sync."""

from __future__ import annotations

import contextlib
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread

from worker.storage.journal.file import JournalFile, require_in_place

Report = Callable[["Writer", OSError | None], None]
"""Called on the event loop after each group, with what went wrong; then nothing more is written."""


class Writer:
    """One file of a journal and the thread that alone touches it. Its methods are the event loop's, but `join`.

    A disk that hangs holds up only this thread, and the thread keeps nobody from leaving: whoever gives up on it
    goes on with another file. The file stays open and locked until the writer is released, whatever happened:
    a sweep must not take the files of a call that lives.
    """

    def __init__(
        self,
        begin: Callable[[], JournalFile],
        earlier: Sequence[JournalFile],
        seq: int,
        loop: AbstractEventLoop,
        report: Report,
    ) -> None:
        """Start the thread.

        Args:
            begin: returns the file to write to; may block.
            earlier: the files that hold the lines before `seq`.
            seq: number of the first line that `write` will be given.
            loop: where `report` is called.
            report: is told of each group.
        """
        self.file: JournalFile | None = None
        """There from the first good report on."""
        self.synced = seq
        """Lines below this number are on the disk."""
        self._begin = begin
        self._earlier = list(earlier)
        self._loop = loop
        self._report = report
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._stopped = False
        self._unwanted = False
        self._parked = Event()
        self._released = Event()
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Put `lines`, whole ones, after all before them. Returns at once."""
        self._lines.put(lines)

    def retire(self) -> None:
        """Write nothing more, but keep the file open and locked until `end`. Returns at once."""
        self._stopped = True
        self._lines.put(None)

    def discard(self) -> None:
        """Write nothing more and remove the file, as soon as the disk lets go of it. Returns at once."""
        self._unwanted = True
        self.retire()
        self._released.set()

    def end(self) -> None:
        """Finish what was given and free the lock. Returns at once."""
        self._lines.put(None)
        self._released.set()

    @property
    def stuck(self) -> bool:
        """Whether the thread is still at work, or waits for it."""
        return not self._parked.is_set()

    def join(self, seconds: float) -> None:
        """Wait until the thread is gone, at most `seconds`."""
        self._thread.join(seconds)

    def _run(self) -> None:
        error: OSError | None = None
        try:
            self.file = self._begin()
            self._write_groups(self.file)
        except OSError as failure:
            error = failure
        self._parked.set()
        if error is not None:
            self._tell(error)
        self._released.wait()
        if self.file is not None:
            (self.file.discard if self._unwanted else self.file.close)()

    def _write_groups(self, file: JournalFile) -> None:
        ending = False
        while not ending:
            group, ending = self._next_group()
            if self._stopped:
                return
            if group:
                data = b"".join(group)
                file.append(data)
                require_in_place([*self._earlier, file])
                self.synced += data.count(b"\n")
                self._tell(None)

    def _next_group(self) -> tuple[list[bytes], bool]:
        """Wait for a line and take all that wait with it; the second value says that the end was among them."""
        group: list[bytes] = []
        lines = self._lines.get()
        with contextlib.suppress(Empty):
            while lines is not None:
                group.append(lines)
                lines = self._lines.get_nowait()
            return group, True
        return group, False

    def _tell(self, error: OSError | None) -> None:
        # A closed loop has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._report, self, error)
