"""`POST /v1/chat/completions`: the scripted dialogue behind the API's wire."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

from aiohttp import web

from standins.faults import FaultBoard
from standins.openai import faults, frames
from standins.openai.dialogue import Call, Say, UnmatchedError, answer
from standins.openai.log import ChatEntry, Log, ended, sent
from standins.openai.parse import parse
from standins.openai.requests import ChatRequest
from standins.openai.settings import Settings
from standins.openai.stream import faulted, stream


class Chat:
    """The chat side of the stand-in.

    Attributes:
        settings: Delays and strictness; may be replaced while it runs.
    """

    def __init__(self, settings: Settings, board: FaultBoard[faults.RequestFault], log: Log) -> None:
        self.settings = settings
        self._board = board
        self._log = log
        self._numbers = itertools.count(1)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answers one request, as a stream if it asks for one."""
        asked = await parse(request, ChatRequest)
        entry = ChatEntry(
            [message.model_dump() for message in asked.messages],
            [tool.function.model_dump() for tool in asked.tools],
            asked.model,
        )
        self._log.chat.append(entry)
        fault = self._board.take(lambda armed: armed.service in (None, "chat") and armed.fault != "refuse")
        if fault is not None and (instead := await faulted(request, entry, fault)) is not None:
            return instead
        try:
            said = answer(asked, strict=self.settings.strict)
        except UnmatchedError as error:
            ended(entry, "refused")
            return faults.refused(400, str(error))
        number = next(self._numbers)
        heading = frames.Heading(f"chatcmpl-standin-{number}", int(time.time()), asked.model)
        call_id = f"call_standin_{number}"
        if isinstance(said, Say):
            entry.answer = said.text
        else:
            entry.tool_call = {"id": call_id, "name": said.name, "arguments": said.arguments}
        pieces = self._pieces(heading, asked, said, call_id)
        if asked.stream:
            headers = {
                "Content-Type": "text/event-stream; charset=utf-8",
                "x-request-id": heading.completion_id,
            }
            return await stream(request, entry, pieces, headers=headers, fault=fault)
        async for _ in pieces:
            sent(entry)
        if fault is not None:
            ended(entry, "faulted")
            await faults.break_off(request, fault)
        ended(entry, "finished")
        return web.json_response(frames.completion(heading, asked, said, call_id))

    async def _pieces(
        self, heading: frames.Heading, asked: ChatRequest, said: Say | Call, call_id: str
    ) -> AsyncIterator[bytes]:
        """The stream's events, each at its moment: the first after its delay, the rest at the token rate."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.settings.first_token_ms / 1000
        for chunk in frames.content_chunks(heading, said, call_id):
            # Asleep until a moment, not for a while: the rate holds however long a write takes.
            await asyncio.sleep(max(0.0, due - loop.time()))
            yield frames.event(chunk)
            due += 1 / self.settings.tokens_per_second
        for chunk in frames.closing_chunks(heading, asked, said):
            yield frames.event(chunk)
        yield frames.DONE
