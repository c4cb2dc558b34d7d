"""Disks that misbehave in one way each."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

from worker.storage.disk import Disk


class RecordingDisk(Disk):
    """Remembers what was done, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes | Path]] = []

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
        self.gate = threading.Event()
        self.syncing = threading.Event()
        self.put_over = threading.Event()

    def sync(self, descriptor: int) -> None:
        self.syncing.set()
        assert self.gate.wait(30)
        super().sync(descriptor)

    def sync_directory(self, path: Path) -> None:
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


class ForbiddenDisk(Disk):
    """Belongs to another user. (Root may write everywhere, so the system itself cannot be asked.)"""

    def create(self, path: Path) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def full() -> FailingDisk:
    return FailingDisk("write", errno.ENOSPC)


def broken() -> FailingDisk:
    return FailingDisk("sync", errno.EIO)
