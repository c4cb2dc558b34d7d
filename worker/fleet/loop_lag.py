"""How late the event loop is: the sign that a process has more to do than its cores allow."""

import asyncio
import statistics
import time
from collections import deque

INTERVAL_S = 0.25
KEPT = 20
"""Five seconds: one late moment is nothing, most of five seconds is."""


class LoopLag:
    """Measures from `run` until that is cancelled."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=KEPT)

    @property
    def ms(self) -> float:
        """How late a task is started that sleeps: the median of the last seconds; 0 before there are any."""
        return 1000 * statistics.median(self._late) if self._late else 0.0

    async def run(self) -> None:
        """Sleep again and again, and note what came on top."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(INTERVAL_S)
            self.take(time.monotonic() - began - INTERVAL_S)

    def take(self, late_s: float) -> None:
        """Note one measurement."""
        self._late.append(max(0.0, late_s))
