"""How late the event loop is."""

import asyncio
import time

from worker.fleet.loop_lag import KEPT, LoopLag


def test_before_anything_was_measured_it_is_not_late() -> None:
    assert LoopLag().ms == 0


def test_one_late_moment_is_nothing_and_many_are() -> None:
    lag = LoopLag()
    for late_s in [0.001] * (KEPT // 2 + 1) + [2.0] * (KEPT // 2 - 1):
        lag.take(late_s)
    assert lag.ms == 1
    for _ in range(KEPT // 2 + 1):
        lag.take(2.0)
    assert lag.ms == 2000


async def test_a_loop_that_is_held_up_is_found_late() -> None:
    lag = LoopLag()
    measuring = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    time.sleep(0.4)  # noqa: ASYNC251 - what is measured
    async with asyncio.timeout(5):
        while lag.ms == 0:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
    measuring.cancel()
    assert lag.ms > 100
