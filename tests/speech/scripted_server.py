"""A WebSocket server on this machine that does to each connection what the test says, in turn."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

PATIENCE_S = 10.0

TERMINATION = {"type": "Termination", "audio_duration_seconds": 5, "session_duration_seconds": 7}


class Connection:
    """The server's side of one WebSocket, and what came over it."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.query = dict(request.query)
        self.headers = dict(request.headers)
        self.chunks: list[bytes] = []
        self.messages: list[dict[str, Any]] = []
        self._request = request
        self._socket = socket
        self._news = asyncio.Event()

    async def send(self, *frames: dict[str, Any]) -> None:
        for frame in frames:
            await self._socket.send_str(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def begin(self, session: str = "session-1", expires_at: float = 1_800_000_000) -> None:
        await self.send({"type": "Begin", "id": session, "expires_at": expires_at})

    async def close(self, code: int, reason: str = "") -> None:
        await self._socket.close(code=code, message=reason.encode())

    @property
    def is_closed(self) -> bool:
        """Whether the client has gone."""
        return self._socket.closed

    def drop(self) -> None:
        """Cut the connection without a word."""
        assert self._request.transport is not None
        self._request.transport.abort()

    async def until(self, what: Callable[["Connection"], bool], *, forever: bool = False) -> None:
        """Wait until `what` holds for this connection, if need be `forever`."""
        async with asyncio.timeout(None if forever else PATIENCE_S):
            while not what(self):
                self._news.clear()
                await self._news.wait()

    async def until_terminate(self) -> None:
        await self.until(lambda self: {"type": "Terminate"} in self.messages)

    async def end(self) -> None:
        """Wait for `Terminate`, and answer it."""
        await self.until_terminate()
        await self.send(TERMINATION)

    async def read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                self.chunks.append(message.data)
            elif message.type is WSMsgType.TEXT:
                self.messages.append(json.loads(message.data))
            self._news.set()
        self._news.set()


Script = Callable[[Connection], Awaitable[None]]
Step = Script | int | tuple[int, str] | str
"""What is done to a connection: a conversation, an HTTP status instead of one (with a `Retry-After`), or the word
"hang"."""


class ScriptedServer:
    """Takes the next step for each connection; the last one again and again."""

    def __init__(self, *steps: Step) -> None:
        self.connections: list[Connection] = []
        self.attempts = 0
        self.url = ""
        self.steps = list(steps)
        self._stopped = asyncio.Event()
        self._news = asyncio.Event()

    async def connection(self, count: int = 1) -> Connection:
        """Wait for the WebSocket of that number, from 1."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.connections) < count:
                self._news.clear()
                await self._news.wait()
        return self.connections[count - 1]

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["ScriptedServer"]:
        """Listen on `port` (0: any that is free) until the block ends."""
        app = web.Application()
        app.router.add_get("/v3/ws", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self._stopped.set()
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.attempts += 1
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if step == "hang":
            await self._stopped.wait()
            return web.Response(status=503)
        if isinstance(step, int):
            return web.Response(status=step, text="no")
        if isinstance(step, tuple):
            return web.Response(status=step[0], text="no", headers={"Retry-After": step[1]})
        assert not isinstance(step, str)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(request, socket)
        self.connections.append(connection)
        self._news.set()
        reading = asyncio.create_task(connection.read())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await step(connection)
            await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, stopped):
                task.cancel()
            await asyncio.gather(reading, stopped, return_exceptions=True)
        return socket


def word(text: str, start: int = 0) -> dict[str, Any]:
    """One word of a `Turn`; `start` in milliseconds of stream time."""
    return {"text": text, "start": start, "end": start + 100, "confidence": 0.9, "word_is_final": True}


def turn(text: str, **fields: Any) -> dict[str, Any]:
    """A `Turn` message that holds the words of `text`."""
    words = [word(each, 200 * index) for index, each in enumerate(text.split())]
    return {"type": "Turn", "turn_order": 0, "end_of_turn": False, "transcript": text, "words": words} | fields


def final(text: str, **fields: Any) -> dict[str, Any]:
    """The `Turn` message that ends its turn, formatted."""
    return turn(text, end_of_turn=True, turn_is_formatted=True, **fields)


async def until_terminated(connection: Connection) -> None:
    """Begin, wait for `Terminate`, and answer it."""
    await connection.begin()
    await connection.end()
