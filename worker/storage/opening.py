"""A descriptor that a thread opens: taken by whoever waits for it, closed when nobody does any more.

A disk that hangs, or a lock that another holds, answers when it likes. Whoever gave up waiting could not close
what comes then, and a lock with it would be held until the process ends.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread


async def opened(begin: Callable[[], int]) -> int:
    """Run `begin` in a thread and return its descriptor, which is then the caller's to close.

    Where the wait is cancelled, the thread goes on and its descriptor is closed as soon as it is there. The
    thread keeps neither the loop nor the process from ending.

    Raises:
        OSError: as `begin` does.
    """
    descriptor: Future[int] = Future()
    descriptor.set_running_or_notify_cancel()  # from here on a cancelled wait cannot take the answer's place
    Thread(target=_run, args=(begin, descriptor), name="opening", daemon=True).start()
    try:
        return await asyncio.wrap_future(descriptor)
    except asyncio.CancelledError:
        descriptor.add_done_callback(_close)
        raise


def _run(begin: Callable[[], int], descriptor: Future[int]) -> None:
    try:
        descriptor.set_result(begin())
    except BaseException as error:
        descriptor.set_exception(error)


def _close(descriptor: Future[int]) -> None:
    if descriptor.exception() is None:
        os.close(descriptor.result())
