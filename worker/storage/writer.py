"""The thread that puts a journal's lines on the disk: everything that waits goes with one sync."""

from __future__ import annotations

import contextlib
import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from worker.storage.disk import Disk

Report = Callable[[int, OSError | None], None]
"""Called on the event loop after each group: how many lines, and what went wrong."""


class Writer:
    """Owns the descriptor, and with it the journal's lock, until it has been told to end.

    After an error nothing more is written: a file whose sync failed may lack pages that the system believes
    to be there, so only what was reported before counts. Source: PostgreSQL, `data_sync_retry`.
    """

    def __init__(self, descriptor: int, disk: Disk, loop: AbstractEventLoop, report: Report) -> None:
        self._descriptor = descriptor
        self._disk = disk
        self._loop = loop
        self._report = report
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Put `line` after all lines before it. Returns at once."""
        self._lines.put(line)

    def end(self) -> None:
        """Let the thread finish what it was given and free the lock. Returns at once."""
        self._lines.put(None)

    def join(self, seconds: float) -> None:
        """Wait until the thread is gone, at most `seconds`."""
        self._thread.join(seconds)

    def _run(self) -> None:
        error: OSError | None = None
        ending = False
        try:
            while not ending:
                group, ending = self._next_group()
                if not group:
                    continue
                if error is None:
                    error = self._commit(b"".join(group))
                # A closed loop has nobody left to tell.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._report, len(group), error)
        finally:
            os.close(self._descriptor)

    def _next_group(self) -> tuple[list[bytes], bool]:
        """Wait for a line and take all that wait with it; the second value says that the end was among them."""
        group: list[bytes] = []
        line = self._lines.get()
        with contextlib.suppress(Empty):
            while line is not None:
                group.append(line)
                line = self._lines.get_nowait()
            return group, True
        return group, False

    def _commit(self, data: bytes) -> OSError | None:
        try:
            self._disk.write(self._descriptor, data)
            self._disk.sync(self._descriptor)
        except OSError as error:
            return error
        return None
