"""What is pressed on a phone reaches the agent that asks for it."""

import asyncio

import pytest

from tests.speech.memory_recorder import let_others_run
from worker.session.conversation.keypad import Keypad


async def reading(keypad: Keypad, keys: str, count: int | None = None, *, seconds: float = 5.0) -> str:
    task = asyncio.create_task(keypad.read(count, seconds=seconds))
    await let_others_run(2)
    for key in keys:
        keypad.press(key)
    return await task


@pytest.mark.parametrize(
    ("keys", "count", "read"),
    [("1234", 4, "1234"), ("12#", None, "12"), ("1#", 4, "1"), ("#", None, ""), ("*0", 2, "*0")],
)  # fmt: skip
async def test_a_number_ends_with_its_last_key_or_with_the_end_key(keys: str, count: int | None, read: str) -> None:
    assert await reading(Keypad(), keys, count) == read


async def test_a_pause_ends_it_too() -> None:
    assert await reading(Keypad(), "12", 4, seconds=0.05) == "12"


async def test_people_may_type_ahead_but_not_for_long() -> None:
    keypad = Keypad()
    keypad.press("9")
    assert await keypad.read(1) == "9"
    keypad.press("8")
    await asyncio.sleep(0.02)
    assert await keypad.read(1, seconds=0.01, ahead=0.01) == ""


async def test_what_is_no_key_is_not_read() -> None:
    assert await reading(Keypad(), "x1", 1) == "1"


async def test_only_one_reads_at_a_time() -> None:
    keypad = Keypad()
    first = asyncio.create_task(keypad.read(1))
    await let_others_run(2)
    with pytest.raises(RuntimeError, match="is being read already"):
        await keypad.read()
    keypad.press("1")
    assert await first == "1"
    assert await reading(keypad, "2", 1) == "2"
