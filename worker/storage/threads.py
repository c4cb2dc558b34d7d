"""Work that may never come back, because a disk hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from worker.storage.opening import opened

Result = TypeVar("Result")


async def in_own_thread(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread of its own, which keeps neither the loop nor the process from ending.

    Where the wait is cancelled, the thread goes on and nobody takes its answer.

    Raises:
        Exception: as `work` does.
    """
    return await opened(work, lambda _: None)
