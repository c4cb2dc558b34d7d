"""Whether journals could be kept in a directory, asked before a call needs one."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.errors import StorageUnwritable

DEADLINE_S = 10.0
"""How long the disk may take."""


async def probe_journal_directory(journal_dir: Path, disk: Disk | None = None) -> None:
    """Create, write, sync and remove a small file, as a journal would.

    Raises:
        StorageUnwritable: with what failed and the remedy.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.to_thread(_probe, journal_dir, disk or Disk())
        return
    except TimeoutError:
        reason = f"no answer in {DEADLINE_S:.0f} s"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise StorageUnwritable(
        f"{journal_dir} cannot hold journals ({reason}): give storage.journal_dir a directory that this user may write"
    )


def _probe(journal_dir: Path, disk: Disk) -> None:
    disk.make_directory(journal_dir)
    path = journal_dir / f"probe-{secrets.token_hex(8)}"
    descriptor = disk.create(path)
    try:
        disk.write(descriptor, b"probe\n")
        disk.sync(descriptor)
    finally:
        os.close(descriptor)
        disk.remove(path)
