"""One file of a journal: created under a lock, appended to, and read back when its name is gone. All of it blocks."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.journal.lock import lock_new
from worker.transcript.joining import join_files


class Vanished(OSError):
    """A file of the journal is no longer where readers look for it: removed, replaced, or its directory moved."""

    def __init__(self, rescued: list[bytes]) -> None:
        super().__init__(errno.ENOENT, "the file was removed or replaced")
        self.rescued = rescued
        """All lines of the journal, from the first one on, that its open files still give."""


class JournalFile:
    """An open file, locked until it is closed. After an error it must not be appended to again.

    A file whose sync failed may lack pages that the system believes to be there.
    Source: PostgreSQL, `data_sync_retry`.
    """

    def __init__(self, path: Path, descriptor: int, disk: Disk) -> None:
        self._path = path
        self._descriptor = descriptor
        self._disk = disk
        status = os.fstat(descriptor)
        self._identity = (status.st_dev, status.st_ino)

    @classmethod
    def create(cls, path: Path, disk: Disk) -> JournalFile:
        """Create the file, locked, and sync its name.

        Raises:
            OSError: as the system does; the file is then gone again, unless the disk refuses that too.
        """
        while True:
            file = cls(path, disk.create(path), disk)
            try:
                if lock_new(file._descriptor, path):
                    disk.sync_directory(path.parent)
                    return file
            except BaseException:
                file.discard()
                raise
            file.close()

    def append(self, data: bytes) -> None:
        """Return when `data` is on the disk.

        Raises:
            OSError: as the system does.
        """
        self._disk.write(self._descriptor, data)
        self._disk.sync(self._descriptor)

    def in_place(self) -> bool:
        """Return whether the file still has its name.

        Raises:
            OSError: the name cannot be looked up.
        """
        try:
            status = os.stat(self._path)  # noqa: PTH116  (after each sync; `Path.stat` takes twice as long)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def read(self) -> bytes:
        """Return what was written so far, whatever happened to the name; nothing where that fails."""
        try:
            return self._disk.read(self._descriptor)
        except OSError:
            return b""

    def discard(self) -> None:
        """Close the file, and take its name away if the disk allows: nothing in it counts."""
        with contextlib.suppress(OSError):
            if self.in_place():
                self._disk.unlink(self._path)
        self.close()

    def close(self) -> None:
        """Free the lock."""
        os.close(self._descriptor)


def require_in_place(files: Sequence[JournalFile]) -> None:
    """Return if all files of a journal, first to last, still have their names.

    Raises:
        Vanished: with what they hold.
    """
    if not all(file.in_place() for file in files):
        whole, _ = join_files([file.read() for file in files])
        raise Vanished(list(BytesIO(whole)))
