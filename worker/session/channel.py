"""A call's end of what its process and the worker's main process tell each other (`worker.messages`)."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from worker.messages import CONNECT_SECONDS, HELLO, LINE_BYTES, Message, receive, send, write

logger = logging.getLogger("verbatim.call")


class Channel:
    """One call's end. Without a worker that listens it is closed, and everything does nothing."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._orders: dict[str, Callable[[Message], None]] = {}

    def on(self, kind: str, order: Callable[[Message], None]) -> None:
        """Have `order` called with each message of that type; one that came before is not kept."""
        self._orders[kind] = order

    async def open(self, path: Path, job: str) -> bool:
        """Connect to the worker, and say whose process this is; return whether it listens."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, self._writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES)
        except (OSError, TimeoutError) as error:
            logger.warning("the call's process has no channel to its worker: %s", type(error).__name__)
            return False
        self._listening = asyncio.create_task(self._listen(reader))
        return await self.send({"type": HELLO, "job": job})

    async def send(self, message: Message) -> bool:
        """Tell the worker; return whether it went."""
        return self._writer is not None and await send(self._writer, message)

    def post(self, message: Message) -> None:
        """Tell the worker, without waiting for it."""
        if self._writer is not None and not self._writer.is_closing():
            write(self._writer, message)

    async def close(self) -> None:
        """Hear no more orders, and tell nothing more."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while (message := await receive(reader)) is not None:
            if (order := self._orders.get(message["type"])) is not None:
                order(message)
        if self._writer is not None:
            self._writer.close()
