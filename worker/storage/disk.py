"""The calls that make a write durable. Everything here blocks: never call it on the event loop.

`Disk` is a class so that a test can put another in its place that fails, hangs, or remembers the order.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
CREATE_ATTEMPTS = 10


class Disk:
    """A local file system. Every method raises `OSError` as the system does."""

    def make_directory(self, path: Path) -> None:
        """Make `path` and what is missing above it, each mode 0700 and synced into its parent."""
        missing = [each for each in (path, *path.parents) if not each.is_dir()]
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):
                each.mkdir(mode=DIRECTORY_MODE)
            self.sync_directory(each.parent)

    def create(self, path: Path) -> int:
        """Create `path` for appending, mode 0600, with its directories, and return its descriptor.

        It must not exist. Its own name is not synced yet.
        """
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND
        for _ in range(CREATE_ATTEMPTS):
            self.make_directory(path.parent)
            # Another process may remove the directory in between, when it empties it.
            with contextlib.suppress(FileNotFoundError):
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

    def sync_directory(self, path: Path) -> None:
        """Return when the names in `path` are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

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
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self.sync_directory(path.parent)

    def remove(self, path: Path) -> None:
        """Remove `path` for good, and its directory when that is empty then; it may be gone already."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            self.sync_directory(path.parent)
            with contextlib.suppress(OSError):  # not empty, or not ours to remove
                path.parent.rmdir()
