"""A TCP proxy that does to connections what networks and servers do to them: for HTTP, one request a connection."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

PIECE = 1 << 16


class Fault(Enum):
    """What happens to each new connection."""

    NONE = "none"
    STOPPED = "stopped"
    """Nobody listens."""
    SILENT = "silent"
    """The connection is taken, and that is all."""
    SLOW = "a byte a second"
    """What the server answers comes a byte a second."""
    CUT = "cut"
    """The connection breaks when half of a request's body, or its head alone, has come through."""
    ANSWERS = "answers"
    """Every request is answered by the proxy, with `answer`."""


class TcpProxy:
    """Listens on `port` of this machine and passes everything on to another port, but for its `fault`."""

    def __init__(self, target: int) -> None:
        self.fault = Fault.NONE
        self.answer = (500, "InternalError")
        """Status and S3 code, for `Fault.ANSWERS`."""
        self.only = ""
        """The fault concerns requests alone whose method and path contain this; empty: all."""
        self.requests: list[str] = []
        """Method and path of every request that came, to whatever end."""
        self.port = 0
        self.target = target
        """The port that is passed on to."""
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, on the port of the last time if there was one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and break what is connected."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def set(self, fault: Fault, *, answer: tuple[int, str] = (500, "InternalError"), only: str = "") -> None:
        """Do this to every connection from now on; those that are open break."""
        await self.stop()
        self.fault, self.answer, self.only = fault, answer, only
        if fault is not Fault.STOPPED:
            await self.start()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                request = head.partition(b" HTTP/")[0].decode()
                self.requests.append(request)
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                await self._handle(self.fault if self.only in request else Fault.NONE, head, body, writer)
        finally:
            writer.transport.abort() if self.fault is Fault.CUT else writer.close()

    async def _handle(self, fault: Fault, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        if fault is Fault.SILENT:
            await asyncio.Event().wait()
        if fault is Fault.ANSWERS:
            status, code = self.answer
            text = f"<Error><Code>{code}</Code><Message>AKIASECRET</Message></Error>"
            close = f"Connection: close\r\nContent-Length: {len(text)}"
            writer.write(f"HTTP/1.1 {status} Other\r\nContent-Type: application/xml\r\n{close}\r\n\r\n{text}".encode())
            await writer.drain()
            return
        server_reader, server = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            head = head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            server.write(head + (body[: len(body) // 2] if fault is Fault.CUT else body))
            await server.drain()
            if fault is Fault.CUT:
                return
            while piece := await server_reader.read(1 if fault is Fault.SLOW else PIECE):
                writer.write(piece)
                await writer.drain()
                if fault is Fault.SLOW:
                    await asyncio.sleep(1)
        finally:
            server.transport.abort()


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[TcpProxy]:
    """Run a proxy to a port of this machine, as long as the context lasts."""
    proxy = TcpProxy(port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
