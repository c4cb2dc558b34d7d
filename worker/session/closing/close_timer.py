"""A call whose session does not close in time is stored all the same.

The framework waits for a session's close without a limit where the caller hung up, and for a minute where the job
ends (livekit-agents 1.8.9, `voice/agent_session.py`, `_close_soon`; `ipc/job_proc_lazy_main.py`, `_shutdown_job`):
one tool or hook that never returns would keep the transcript for so long.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

LONGEST_GOODBYE_SECONDS: Final = 60.0
"""How long what the agent says at the end may take: so long the framework waits for it."""

LOOK_SECONDS: Final = 0.5


class CloseTimer:
    """Waits for a close that began, and then does what must not wait any longer.

    Args:
        seconds: How long a close may take when nothing is being said.
        speaks: Whether the agent speaks now.
        overdue: What is done then.
    """

    def __init__(self, seconds: float, speaks: Callable[[], bool], overdue: Callable[[], Awaitable[None]]) -> None:
        self._seconds = seconds
        self._speaks = speaks
        self._overdue = overdue
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The close began; the second time does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._wait())

    def cancel(self) -> None:
        """The close is over, or its end is waited for elsewhere."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + LONGEST_GOODBYE_SECONDS
        while self._speaks() and loop.time() < latest:  # noqa: ASYNC110 - the framework has an event, and may not send it
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(self._seconds)
        await self._overdue()
