"""Something that is done at most so often, and in the end always."""

import asyncio
from collections.abc import Callable


class Paced:
    """Takes an action at once, or when enough time has passed since it was taken last.

    Whoever asks in between is served by the next time, so that what is newest then is never left behind.

    Args:
        seconds: the time between two actions.
        action: what is done; it must not raise.
    """

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds = seconds
        self._action = action
        self._taken_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have the action taken, now or soon."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._taken_at + self._seconds - loop.time()
        if wait <= 0:
            self.take()
        else:
            self._timer = loop.call_later(wait, self.take)

    def take(self) -> None:
        """Take the action now, whatever the time."""
        self.cancel()
        self._taken_at = asyncio.get_running_loop().time()
        self._action()

    def cancel(self) -> None:
        """Take back what was asked for and is not done yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
