"""Sends messages, late by a fixed real time if wanted, always in order."""

import asyncio
import contextlib
import json
from types import TracebackType
from typing import Self

from aiohttp import web

from standins.assemblyai.messages import Message


class Outbox:
    """The outgoing side of a connection; an asynchronous context manager.

    Args:
        socket: The connection.
        latency_s: Real time by which every message is late, in seconds: what a network and a model take.
    """

    def __init__(self, socket: web.WebSocketResponse, latency_s: float) -> None:
        self._socket = socket
        self._latency_s = latency_s
        self._waiting: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begins to send."""
        if self._latency_s:
            self._sender = asyncio.create_task(self._send_late(), name="outbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drops what is still waiting."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    async def send(self, message: Message) -> None:
        """Sends a message, or queues it while messages are late."""
        await self.send_text(json.dumps(message, ensure_ascii=False))

    async def send_text(self, text: str) -> None:
        """Sends a text frame as it is."""
        if self._sender is None:
            await self._write(text)
        else:
            self._waiting.put_nowait((asyncio.get_running_loop().time() + self._latency_s, text))

    async def drain(self) -> None:
        """Waits until all is sent."""
        if self._sender is not None:
            await self._waiting.join()

    async def _send_late(self) -> None:
        while True:
            due, text = await self._waiting.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            # A client that has gone needs nothing more; `drain` must not wait for it.
            with contextlib.suppress(ConnectionError):
                await self._write(text)
            self._waiting.task_done()

    async def _write(self, text: str) -> None:
        if not self._socket.closed:
            await self._socket.send_str(text)
