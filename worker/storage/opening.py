"""Something that a thread opens: taken by whoever waits for it, closed when nobody does any more.

A disk that hangs, or a lock that another holds, answers when it likes. Whoever gave up waiting could not close
what comes then, and a lock with it would be held until the process ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Opened = TypeVar("Opened")


async def opened(begin: Callable[[], Opened], close: Callable[[Opened], None]) -> Opened:
    """Run `begin` in a thread and return what it opened, which is then the caller's to close.

    Where the wait is cancelled, the thread goes on, and `close` is called as soon as it is done. The thread keeps
    neither the loop nor the process from ending.

    Raises:
        OSError: as `begin` does.
    """
    result: Future[Opened] = Future()
    result.set_running_or_notify_cancel()  # from here on a cancelled wait cannot take the answer's place
    Thread(target=_run, args=(begin, result), name="opening", daemon=True).start()
    try:
        return await asyncio.wrap_future(result)
    except asyncio.CancelledError:
        result.add_done_callback(lambda done: None if done.exception() else close(done.result()))
        raise


def _run(begin: Callable[[], Opened], result: Future[Opened]) -> None:
    try:
        result.set_result(begin())
    except BaseException as error:
        result.set_exception(error)
