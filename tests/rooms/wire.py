"""The way to a livekit-server, or to several of them, as a network or a load balancer makes it."""

import asyncio
from contextlib import suppress

PIECE = 1 << 16


class Wire:
    """A TCP connection from a port of its own to the first of some others that is open; it can be cut."""

    def __init__(self, *targets: int) -> None:
        self._targets = targets
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def also_to(self, target: int) -> None:
        """Lead to `target` as well, where none of the others is open."""
        self._targets = (*self._targets, target)

    async def join(self) -> None:
        """Pass everything on from now on."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break what is connected, and let nothing through."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await self._first_open()
        if far is None:
            writer.close()
            return
        far_reader, far_writer = far
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    async def _first_open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for target in self._targets:
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", target)
        return None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()
