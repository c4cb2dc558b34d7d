"""What must not wait for a session's close does not."""

import asyncio

import pytest

from worker.session.closing import close_timer
from worker.session.closing.close_timer import CloseTimer

PATIENCE_S = 10.0


class Overdue:
    """Counts how often a close was overdue."""

    def __init__(self) -> None:
        self.times = 0
        self.noticed = asyncio.Event()

    async def __call__(self) -> None:
        self.times += 1
        self.noticed.set()


async def test_a_close_that_takes_too_long_is_noticed_once() -> None:
    overdue = Overdue()
    timer = CloseTimer(0.01, lambda: False, overdue)
    timer.begin()
    timer.begin()
    async with asyncio.timeout(PATIENCE_S):
        await overdue.noticed.wait()
    assert overdue.times == 1


async def test_a_close_that_is_over_is_not() -> None:
    overdue = Overdue()
    timer = CloseTimer(0.01, lambda: False, overdue)
    timer.begin()
    timer.cancel()
    await asyncio.sleep(0.05)
    assert overdue.times == 0


async def test_what_the_agent_says_at_the_end_is_no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close_timer, "LOOK_SECONDS", 0.001)
    looks = iter([True, True, True, False])
    asked: list[bool] = []

    def speaks() -> bool:
        asked.append(next(looks))
        return asked[-1]

    overdue = Overdue()
    CloseTimer(0.0, speaks, overdue).begin()
    async with asyncio.timeout(PATIENCE_S):
        await overdue.noticed.wait()
    assert asked == [True, True, True, False]


async def test_a_close_that_is_overdue_may_cancel_the_timer_itself() -> None:
    done = asyncio.Event()

    async def finish() -> None:
        timer.cancel()
        await asyncio.sleep(0)
        done.set()

    timer = CloseTimer(0.0, lambda: False, finish)
    timer.begin()
    async with asyncio.timeout(PATIENCE_S):
        await done.wait()
