"""Much is done at once, in order, and never too much."""

import asyncio

import pytest

from worker.storage.concurrency import in_order


async def test_results_come_in_the_order_of_the_items_and_no_more_are_under_way_than_may_be() -> None:
    under_way, most = 0, 0

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5 + number % 3):
            await asyncio.sleep(0)
        under_way -= 1
        return number

    assert [each async for each in in_order(work, range(20), at_once=4)] == list(range(20))
    assert most == 4


async def test_an_error_comes_through_and_ends_what_is_under_way() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        if number == 0:
            raise KeyError
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    with pytest.raises(KeyError):
        async for _ in in_order(work, range(10), at_once=3):
            pass
    assert ended == [1, 2]
