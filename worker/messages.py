"""What the worker and its calls' processes tell each other, over a Unix socket: one JSON object a line, with a `type`.

The main process listens (`worker.fleet.jobs`); the process of each call connects and says whose it is
(`worker.session.channel`). Orders go down, what the calls count goes up. Nothing rests
on the connection: a call without a channel goes on, and ends as the framework ends it.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

logger = logging.getLogger("verbatim.worker")

Message = Mapping[str, Any]
"""`type` and whatever goes with it, as JSON has it."""

HELLO: Final = "hello"
"""The first message of a call's process: `job`."""

HAND_OVER: Final = "hand_over"
"""An order: another agent is to go on with the call, within `seconds`."""

HANDED_OVER: Final = "handed_over"
"""What came of it: `taken`, whether one does."""

CONNECT_SECONDS: Final = 2.0
"""How long connecting, and the first message, may take."""

SEND_SECONDS: Final = 2.0
"""How long the other side may take to read what it is sent."""

LINE_BYTES: Final = 1 << 18
"""The longest message."""


def write(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send one message when there is room for it."""
    writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")


async def send(writer: asyncio.StreamWriter, message: Message) -> bool:
    """Send one message; return whether it went."""
    if writer.is_closing():
        return False
    write(writer, message)
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(SEND_SECONDS):
            await writer.drain()
            return True
    return False


async def receive(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Return the next message, or `None` at the end; what is no message is passed over."""
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None
        with suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict) and isinstance(message.get("type"), str):
                return message
        logger.warning("a line between worker and calls is no message")
