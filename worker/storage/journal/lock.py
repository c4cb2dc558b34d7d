"""Who a journal belongs to: its job holds a lock on it while it lives, and so does whoever finalises it.

The system frees the lock when the process dies, however it dies: that is how the living are told from the dead.
A session's directory is locked too, by whoever stores its transcript: one at a time, on this node.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import partial
from pathlib import Path

from worker.storage.errors import JournalInUse, JournalMissing, JournalUnreadable, SessionInUse
from worker.storage.opening import opened

SESSION_DEADLINE_S = 30.0
"""How long to wait for whoever stores another part of the session."""


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


@asynccontextmanager
async def session_held(directory: Path) -> AsyncIterator[None]:
    """Be the only one on this node, in any task or process, who stores the session with journals in `directory`.

    Raises:
        JournalMissing: there is no such directory, or no longer: its journals were finalised.
        JournalUnreadable: the directory cannot be locked.
        SessionInUse: another had it for all of `SESSION_DEADLINE_S`.
    """
    try:
        async with asyncio.timeout(SESSION_DEADLINE_S):
            descriptor = await opened(partial(_lock_directory, directory), os.close)
    except TimeoutError:
        raise SessionInUse(
            f"{directory} is in use: another part of the session is being stored for {SESSION_DEADLINE_S:.0f} s "
            "already; the journals stay, finalise them again later"
        ) from None
    except FileNotFoundError:
        raise _missing(directory) from None
    except OSError as error:
        raise JournalUnreadable(f"{directory} cannot be locked ({error.strerror}): check the disk") from None
    try:
        yield
    finally:
        os.close(descriptor)


def _lock_directory(path: Path) -> int:
    """Return the descriptor of the directory at `path`, locked. Blocks for as long as another has it.

    Whoever removes a session's last journal removes the directory, and a later part makes a new one: a lock on
    the old one would keep nobody out.
    """
    while True:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flock(descriptor, LOCK_EX)
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _missing(path: Path) -> JournalMissing:
    return JournalMissing(f"{path} is not there: it was finalised already, or never written")


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
