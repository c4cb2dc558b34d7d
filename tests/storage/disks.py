"""Disks that misbehave in one way each."""

import errno
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from worker.storage.disk import Disk


class RecordingDisk(Disk):
    """Remembers what was done, in order. What the directories `known` are called is on the disk already."""

    def __init__(self, *known: Path) -> None:
        super().__init__()
        self.calls: list[tuple[str, bytes | Path]] = []
        for path in known:
            self.make_directory(path)
        self.calls.clear()

    def write(self, descriptor: int, data: bytes) -> None:
        self.calls.append(("write", data))
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self.calls.append(("sync", b""))

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        self.calls.append(("sync_directory", path))

    def remove(self, path: Path) -> None:
        self.calls.append(("remove", path))
        super().remove(path)


class GatedDisk(RecordingDisk):
    """Its syncs wait until the gate opens. It tells when a gap was written."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.syncing = threading.Event()
        self.gap_written = threading.Event()

    def write(self, descriptor: int, data: bytes) -> None:
        super().write(descriptor, data)
        if b'"kind":"gap"' in data:
            self.gap_written.set()

    def sync(self, descriptor: int) -> None:
        self.syncing.set()
        assert self.gate.wait(30)
        super().sync(descriptor)


class LateDisk(Disk):
    """Its syncs, of files and of names, wait until the gate opens. It tells when a put is over, however it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.syncing = threading.Event()
        self.put_over = threading.Event()

    def sync(self, descriptor: int) -> None:
        self.syncing.set()
        assert self.gate.wait(30)
        super().sync(descriptor)

    def sync_directory(self, path: Path) -> None:
        self.syncing.set()
        assert self.gate.wait(30)
        super().sync_directory(path)

    def put(self, path: Path, content: bytes, abandoned: Callable[[], bool] = lambda: False) -> None:
        try:
            super().put(path, content, abandoned)
        finally:
            self.put_over.set()


class FailingDisk(Disk):
    """Its syncs, or its writes, fail once it has been told so."""

    def __init__(self, operation: str, number: int) -> None:
        super().__init__()
        self.operation = operation
        self.number = number
        self.failing = False
        self.syncs = 0

    def write(self, descriptor: int, data: bytes) -> None:
        if self.failing and self.operation == "write":
            os.write(descriptor, data[: len(data) // 2])
            raise OSError(self.number, os.strerror(self.number))
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        if self.failing and self.operation == "sync":
            raise OSError(self.number, os.strerror(self.number))
        super().sync(descriptor)


class TroubledDisk(Disk):
    """Refuses what it is told to refuse, and lets a sync hang; it knows when a file is touched after it failed."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, int] = {}
        self._refused_once: set[str] = set()
        self.attempts: Counter[str] = Counter()
        self.touched_after_failure = 0
        self.hanging = threading.Event()
        """A sync hangs, or has."""
        self._hang: threading.Event | None = None
        self._failed: set[tuple[int, int]] = set()

    def refuse(self, *operations: str, number: int = errno.EIO) -> None:
        self.refused |= dict.fromkeys(operations, number)

    def refuse_next(self, operation: str) -> None:
        """Refuse it once, with an input or output error."""
        self._refused_once.add(operation)

    def allow(self) -> None:
        self.refused.clear()

    def hang_next_sync(self) -> threading.Event:
        """Let the next sync wait for the event that is returned."""
        self.hanging.clear()
        self._hang = threading.Event()
        return self._hang

    def create(self, path: Path) -> int:
        self._attempt("create")
        descriptor = super().create(path)
        self._failed.discard(self._file(descriptor))
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        file = self._touched(descriptor)
        try:
            self._attempt("write")
        except OSError:
            os.write(descriptor, data[: len(data) // 2])
            self._failed.add(file)
            raise
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        file = self._touched(descriptor)
        hang, self._hang = self._hang, None
        if hang is not None:
            self.hanging.set()
            assert hang.wait(30)
        try:
            self._attempt("sync")
        except OSError:
            self._failed.add(file)
            raise
        super().sync(descriptor)

    def sync_directory(self, path: Path) -> None:
        self._attempt("sync_directory")
        super().sync_directory(path)

    def unlink(self, path: Path) -> None:
        self._attempt("unlink")
        super().unlink(path)

    def _touched(self, descriptor: int) -> tuple[int, int]:
        file = self._file(descriptor)
        self.touched_after_failure += file in self._failed
        return file

    def _file(self, descriptor: int) -> tuple[int, int]:
        status = os.fstat(descriptor)
        return status.st_dev, status.st_ino

    def _attempt(self, operation: str) -> None:
        self.attempts[operation] += 1
        number = self.refused.get(operation)  # asked once: another thread may allow it meanwhile
        if number is not None:
            raise OSError(number, os.strerror(number))


class ForbiddenDisk(Disk):
    """Belongs to another user. (Root may write everywhere, so the system itself cannot be asked.)"""

    def create(self, path: Path) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def full() -> FailingDisk:
    return FailingDisk("write", errno.ENOSPC)


def broken() -> FailingDisk:
    return FailingDisk("sync", errno.EIO)
