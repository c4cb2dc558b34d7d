"""An LLM that answers as the test says."""

import asyncio
from collections.abc import Sequence
from typing import Any

from livekit.agents import llm


class ScriptedLLM(llm.LLM[Any]):
    """Answers each attempt with the next outcome: chunks, an error, or for ever nothing."""

    def __init__(self, *outcomes: Sequence[llm.ChatChunk] | Exception | None) -> None:
        super().__init__()
        self.outcomes = list(outcomes)
        self.attempts = 0
        self.attempted = asyncio.Event()
        self.requests: list[dict[str, Any]] = []
        self.closed_streams = 0
        self.prewarmed = self.closed = False

    @property
    def model(self) -> str:
        return "scripted"

    @property
    def provider(self) -> str:
        return "the test"

    def chat(self, *, chat_ctx: llm.ChatContext, tools: Any = None, conn_options: Any = None, **more: Any) -> Any:
        said = [item.text_content for item in chat_ctx.items if item.type == "message" and item.role == "user"]
        self.requests.append({"chat_ctx": chat_ctx, "user": said, "tools": tools, **more})
        return ScriptedStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)

    def prewarm(self, *, loop: Any = None) -> None:
        self.prewarmed = True

    async def aclose(self) -> None:
        self.closed = True


class ScriptedStream(llm.LLMStream):
    async def _run(self) -> None:
        assert isinstance(self._llm, ScriptedLLM)
        self._llm.attempts += 1
        self._llm.attempted.set()
        outcome = self._llm.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            await asyncio.Event().wait()
        for chunk in outcome or ():
            self._event_ch.send_nowait(chunk)

    async def aclose(self) -> None:
        assert isinstance(self._llm, ScriptedLLM)
        await super().aclose()
        self._llm.closed_streams += 1
