"""Work that may never come back: a disk that hangs answers when it likes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


async def in_own_thread(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread of its own, which keeps neither the loop nor the process from ending.

    Where the wait is cancelled, the thread goes on and nobody takes its answer.

    Raises:
        Exception: as `work` does.
    """
    answer: Future[Result] = Future()
    Thread(target=_run, args=(work, answer), name="disk", daemon=True).start()
    return await asyncio.wrap_future(answer)


def _run(work: Callable[[], Result], answer: Future[Result]) -> None:
    try:
        result = work()
    except BaseException as error:
        with contextlib.suppress(InvalidStateError):  # nobody waits any more
            answer.set_exception(error)
    else:
        with contextlib.suppress(InvalidStateError):
            answer.set_result(result)
