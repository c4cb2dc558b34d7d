"""The main process's end of what it and its calls' processes tell each other (`worker.messages`)."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from worker.messages import CONNECT_SECONDS, HELLO, LINE_BYTES, Message, receive, send

logger = logging.getLogger("verbatim.worker")


class Jobs:
    """Listens from `start` to `close`."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._readers: dict[str, list[Callable[[str, Message], None]]] = defaultdict(list)

    @property
    def connected(self) -> frozenset[str]:
        """The jobs that can be told something now."""
        return frozenset(self._writers)

    def subscribe(self, kind: str, reader: Callable[[str, Message], None]) -> None:
        """Have `reader` called with the job and the message for each message of that type."""
        self._readers[kind].append(reader)

    async def start(self, path: Path) -> None:
        """Listen at `path`, whose directory keeps others out.

        Raises:
            OSError: that is not possible.
        """
        self._server = await asyncio.start_unix_server(self._accept, path, limit=LINE_BYTES)

    async def tell(self, job: str, message: Message) -> bool:
        """Send `message` to the process of `job`; return whether it went."""
        writer = self._writers.get(job)
        return writer is not None and await send(writer, message)

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        job = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                hello = await receive(reader)
            if hello is None or hello.get("type") != HELLO:
                return
            job = str(hello.get("job"))
            self._writers[job] = writer
            while (message := await receive(reader)) is not None:
                self._hand_on(job, message)
        except TimeoutError:
            return
        finally:
            writer.close()
            if job is not None:
                del self._writers[job]

    def _hand_on(self, job: str, message: Message) -> None:
        for reader in self._readers[message["type"]]:
            try:
                reader(job, message)
            except Exception:  # one reader's defect is not the others'
                logger.exception("a message of a call's process could not be read: %s", message["type"])
