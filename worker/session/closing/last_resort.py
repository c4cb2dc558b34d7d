"""The end of a call whose own code ends its process.

`sys.exit()` in a tool or a hook leaves the event loop at once (asyncio passes SystemExit on, whichever task it was
raised in). The framework then cancels every task, runs none of its endings, and waits for ever for a thread of its
own, with the journal's lock held (livekit-agents 1.8.9: `ipc/proc_client.py`, `run`; `ipc/log_queue.py`). Cancelled
tasks may still finish what they do: this one finishes the call, and ends the process.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable

from worker.errors import EXIT_FAILED
from worker.logs import send_the_log

logger = logging.getLogger("verbatim.call")

SECONDS = 20.0
"""How long the finish may take; a journal that is left behind is stored by the worker's sweep."""

Finish = Callable[[str], Awaitable[None]]
"""Stores the call; takes the name of what ended the process."""


async def stand_by(finish: Finish) -> asyncio.Task[None]:
    """Return a task that waits until the process ends in the middle of the call, and then does `finish`.

    Keep it, and leave it alone: it is over when the loop is.
    """
    standing_by = asyncio.create_task(_finish_with_the_process(finish))
    await asyncio.sleep(0)  # a task that has not begun is cancelled without having run
    return standing_by


async def _finish_with_the_process(finish: Finish) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.get_running_loop().create_future()
    # Out of our own handler, this is what the framework's `run` is handling: how the loop was left.
    end = sys.exc_info()[1]
    if not isinstance(end, SystemExit):
        raise asyncio.CancelledError
    logger.error("the agent's code ended the process (sys.exit): the call ends with it")
    try:
        async with asyncio.timeout(SECONDS):
            await finish(type(end).__name__)
    except Exception as error:
        logger.error("the call could not be stored, its journal stays: %s", type(error).__name__)
    finally:
        send_the_log()
        os._exit(EXIT_FAILED)
