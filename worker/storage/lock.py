"""Who a journal belongs to: its job holds a lock on it while it lives, and so does whoever finalises it.

The system frees the lock when the process dies, however it dies: that is how the living are told from the dead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from worker.storage.errors import JournalInUse, JournalMissing


def lock_new(descriptor: int, path: Path) -> bool:
    """Lock the file just created at `path` and say whether it is still the one of that name.

    A sweep that came between creation and lock takes an empty journal for a dead one and removes it.
    """
    flock(descriptor, LOCK_EX)
    return _is_at(descriptor, path)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a journal whose job is dead.

    Raises:
        JournalInUse: its job lives, or another process finalises it.
        JournalMissing: there is no such journal, or no longer.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise _missing(path) from None
    try:
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise JournalInUse(
                f"{path} is in use: its job lives or another process finalises it; nothing to do"
            ) from None
        if not _is_at(descriptor, path):
            raise _missing(path)
        yield
    finally:
        os.close(descriptor)


def _missing(path: Path) -> JournalMissing:
    return JournalMissing(f"{path} is not there: it was finalised already, or never written")


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
