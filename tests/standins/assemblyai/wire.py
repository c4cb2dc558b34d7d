"""A plain client of the wire protocol."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.parts.standins import Standin
from tests.standins.assemblyai.sound import chunks, silence

DEADLINE_S = 10.0
KEY = "offline-key"

Message = dict[str, Any]


class Client:
    """One connection: sends audio and control messages, reads until something has come."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.received: list[Message] = []
        self.close_reason = ""

    async def audio(self, *pieces: bytes) -> None:
        for chunk in chunks(b"".join(pieces)):
            await self.socket.send_bytes(chunk)

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def next(self) -> Message | None:
        """The next message, None when the connection is closed."""
        frame = await self.socket.receive(timeout=DEADLINE_S)
        if frame.type != aiohttp.WSMsgType.TEXT:
            if frame.type == aiohttp.WSMsgType.CLOSE:
                self.close_reason = frame.extra or ""
            return None
        message: Message = json.loads(frame.data)
        self.received.append(message)
        return message

    async def until(self, kind: str, **fields: Any) -> Message:
        """Reads until a message of this type with these fields has come."""
        while (message := await self.next()) is not None:
            if message["type"] == kind and fields.items() <= message.items():
                return message
        raise AssertionError(f"closed with {self.socket.close_code} before {kind} {fields} came")

    async def rest(self) -> list[Message]:
        """All messages up to the close."""
        while await self.next() is not None:
            pass
        return self.received

    async def terminate(self) -> list[Message]:
        """Ends the session and returns everything that came."""
        await self.send("Terminate")
        return await self.rest()

    @property
    def turns(self) -> list[Message]:
        return [message for message in self.received if message["type"] == "Turn"]

    @property
    def finals(self) -> list[Message]:
        return [turn for turn in self.turns if turn["end_of_turn"]]


@contextlib.asynccontextmanager
async def connected(standin: Standin, *, key: str | None = KEY, **query: Any) -> AsyncIterator[Client]:
    """A connection to the stand-in; raises aiohttp's errors when it is refused."""
    values = {"sample_rate": 16_000, "encoding": "pcm_s16le", **query}
    headers = {} if key is None else {"Authorization": key}
    url = f"{standin.url}/v3/ws?{urlencode(values)}"
    async with aiohttp.ClientSession(trust_env=False) as http:
        async with asyncio.timeout(DEADLINE_S):
            socket = await http.ws_connect(url, headers=headers)
        try:
            yield Client(socket)
        finally:
            await socket.close()


async def say(client: Client, *pieces: bytes, pause_ms: int = 0) -> None:
    """Half a second of silence, the audio, and a pause."""
    await client.audio(silence(500), *pieces, silence(pause_ms))
