"""Many small requests at once, and never more than a store, a disk and this process can bear."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

AT_ONCE = 32
"""Requests under way. A store that answers in 50 ms then answers 640 a second."""

Item = TypeVar("Item")
Result = TypeVar("Result")


async def in_order(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], at_once: int = AT_ONCE
) -> AsyncIterator[Result]:
    """Yield what `work` returns for each of the `items`, in their order; at most `at_once` are under way.

    Raises:
        Exception: as `work` does; the rest is given up.
    """

    async def each() -> AsyncIterator[Item]:
        for item in items:
            yield item

    async for result in in_stream(work, each(), at_once):
        yield result


async def in_stream(
    work: Callable[[Item], Awaitable[Result]], items: AsyncIterator[Item], at_once: int = AT_ONCE
) -> AsyncIterator[Result]:
    """Do the same with items that come as they come."""
    waiting: deque[asyncio.Task[Result]] = deque()

    async def begun(item: Item) -> Result:
        return await work(item)

    try:
        async for item in items:
            waiting.append(asyncio.create_task(begun(item)))
            if len(waiting) == at_once:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
