"""The keys that a caller presses on a phone, for agents that ask for a number."""

import asyncio
from collections import deque
from typing import Final

KEYS: Final = frozenset("0123456789*#ABCD")
"""Keys of a telephone (ITU-T Q.23)."""

MOST_AHEAD: Final = 64
"""Keys that are kept until somebody reads."""


class Keypad:
    """Hands pressed keys to whoever reads them; they are in the transcript in any case."""

    def __init__(self) -> None:
        self._pressed: deque[tuple[float, str]] = deque(maxlen=MOST_AHEAD)
        self._news = asyncio.Event()
        self._reading = False

    def press(self, key: str) -> None:
        """Take a key."""
        if key in KEYS:
            self._pressed.append((asyncio.get_running_loop().time(), key))
            self._news.set()

    async def read(self, count: int | None = None, *, end: str = "#", seconds: float = 10.0, ahead: float = 5.0) -> str:
        """Return the keys that are pressed from now on, and those of the last moments.

        Args:
            count: how many there are; without it, `end` or a pause ends them.
            end: key that ends the number, and is no part of it.
            seconds: the longest pause before the first key and between two; what was pressed by then is returned.
            ahead: how long ago a key may have been pressed: people begin to type before they are told to.

        Raises:
            RuntimeError: they are being read already.
        """
        if self._reading:
            raise RuntimeError("the keypad is being read already; wait for that reading to end")
        self._reading = True
        since = asyncio.get_running_loop().time() - ahead
        read = ""
        try:
            while count is None or len(read) < count:
                async with asyncio.timeout(seconds):
                    key = await self._next(since)
                if key == end:
                    break
                read += key
        except TimeoutError:
            pass
        finally:
            self._reading = False
        return read

    async def _next(self, since: float) -> str:
        while True:
            while self._pressed:
                at, key = self._pressed.popleft()
                if at >= since:
                    return key
            self._news.clear()
            await self._news.wait()
