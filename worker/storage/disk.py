"""The calls that make a write durable. Everything here blocks: never call it on the event loop.

`Disk` is a class so that a test can put another in its place that fails, hangs, or remembers the order. Every
change to a file or a name goes through one of its methods, so that such a one sees all of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
CREATE_ATTEMPTS = 10
READ_BYTES = 1 << 20


class Disk:
    """A local file system. Every method raises `OSError` as the system does."""

    def __init__(self) -> None:
        self._lasting: set[Path] = set()

    def create(self, path: Path) -> int:
        """Create `path` for reading and appending, mode 0600, with its directories; return its descriptor.

        It must not exist. Its own name is not synced yet.
        """
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND
        for _ in range(CREATE_ATTEMPTS):
            # Another process may remove the directory in between, when it empties it.
            with contextlib.suppress(FileNotFoundError):
                self.make_directory(path.parent)
                return os.open(path, flags, FILE_MODE)
        return os.open(path, flags, FILE_MODE)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of `data`."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def sync(self, descriptor: int) -> None:
        """Return when what was written is on the disk itself, not in a cache of the system or the drive."""
        if sys.platform == "darwin":
            fcntl(descriptor, F_FULLFSYNC)
        else:
            os.fdatasync(descriptor)

    def read(self, descriptor: int) -> bytes:
        """Return the whole file, whatever name it has now or none."""
        content = bytearray()
        while piece := os.pread(descriptor, READ_BYTES, len(content)):
            content += piece
        return bytes(content)

    def rename(self, old: Path, new: Path) -> None:
        """Give the file `old` the name `new`, in the place of what had it. Not synced yet."""
        old.rename(new)

    def unlink(self, path: Path) -> None:
        """Take the file's name away. Not synced yet."""
        path.unlink()

    def mkdir(self, path: Path) -> None:
        """Make one directory, mode 0700. Not synced yet."""
        path.mkdir(mode=DIRECTORY_MODE)

    def rmdir(self, path: Path) -> None:
        """Remove a directory, which must be empty. Not synced yet."""
        path.rmdir()

    def sync_directory(self, path: Path) -> None:
        """Return when the names in `path` are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def make_directory(self, path: Path) -> None:
        """Make `path` and what is missing above it, each mode 0700; return when all their names are on the disk.

        A directory that is there already may have been made a moment ago, by another process or in an attempt
        that failed, and not be on the disk yet: it is synced too, once, like all above it on the same device.
        """
        if path in self._lasting and path.is_dir():
            return
        missing = [each for each in (path, *path.parents) if not each.is_dir()]
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):
                self.mkdir(each)
            self.sync_directory(each.parent)
            self._lasting.add(each)
        for each in _on_one_device(path):
            if each not in self._lasting:
                with contextlib.suppress(PermissionError):  # above what is ours, where others keep names in order
                    self.sync_directory(each.parent)
                self._lasting.add(each)

    def put(self, path: Path, content: bytes, abandoned: Callable[[], bool] = lambda: False) -> None:
        """Make `content` the whole of `path`: after a crash the file is the old or the new one, never between.

        `abandoned` is asked last, before `path` changes: a put that nobody waits for any more must not land over
        what was put since. (Renames in one directory come one after the other: one that hangs holds up the next.)
        """
        # A name that ends in # and digits is a temporary one to obstore's LocalStore too: no listing shows it.
        temporary = path.with_name(f"{path.name}#{secrets.randbits(48)}")
        try:
            descriptor = self.create(temporary)
            try:
                self.write(descriptor, content)
                self.sync(descriptor)
            finally:
                os.close(descriptor)
            if abandoned():
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
            self.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):  # what went wrong first is what counts
                self.unlink(temporary)
            raise
        self.sync_directory(path.parent)

    def remove(self, path: Path) -> None:
        """Remove `path` for good, and its directory when that is empty then; it may be gone already."""
        with contextlib.suppress(FileNotFoundError):
            self.unlink(path)
            self.sync_directory(path.parent)
            with contextlib.suppress(OSError):  # not empty, or not ours to remove
                self.rmdir(path.parent)


def _on_one_device(path: Path) -> Iterator[Path]:
    """Yield `path` and the directories above it whose names are on the same device."""
    device = path.stat().st_dev
    for each in (path, *path.parents[:-1]):
        if each.parent.stat().st_dev != device:
            return
        yield each
