"""Whether journals could be kept in a directory, asked before a call needs one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from functools import partial
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.errors import StorageUnwritable
from worker.storage.threads import in_own_thread

DEADLINE_S = 10.0
"""How long the disk may take."""


async def probe_journal_directory(journal_dir: Path, disk: Disk | None = None) -> None:
    """Create, write, sync and remove a small file, as a journal would.

    Raises:
        StorageUnwritable: with what failed and the remedy.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            await in_own_thread(partial(probe, journal_dir, disk or Disk()))
    except TimeoutError:
        raise no_answer(journal_dir) from None


def no_answer(journal_dir: Path) -> StorageUnwritable:
    """Return the error for a probe that takes longer than `DEADLINE_S`."""
    return _unwritable(journal_dir, f"no answer in {DEADLINE_S:.0f} s")


def probe(journal_dir: Path, disk: Disk) -> None:
    """Do the same. Blocks, for ever on a disk that hangs.

    Raises:
        StorageUnwritable: with what failed and the remedy.
    """
    try:
        _probe(journal_dir, disk)
    except OSError as error:
        raise _unwritable(journal_dir, error.strerror or type(error).__name__) from None


def _unwritable(journal_dir: Path, reason: str) -> StorageUnwritable:
    return StorageUnwritable(
        f"{journal_dir} cannot hold journals ({reason}): give storage.journal_dir a directory that this user may write"
    )


def _probe(journal_dir: Path, disk: Disk) -> None:
    made = not journal_dir.is_dir()
    disk.make_directory(journal_dir)
    path = journal_dir / f"probe-{secrets.token_hex(8)}"
    descriptor = disk.create(path)
    try:
        disk.write(descriptor, b"probe\n")
        disk.sync(descriptor)
    finally:
        os.close(descriptor)
        disk.unlink(path)
        if made:
            with contextlib.suppress(OSError):  # a journal was begun in it meanwhile
                disk.rmdir(journal_dir)
