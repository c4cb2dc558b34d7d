"""An operator's own agents, as a file of theirs: the desk, with tools, and who takes over from it.

It does not greet, so that the caller speaks first. Both override every node of the framework's, as an operator may
who filters or rewrites what passes; each goes on as the framework's own does.
"""

import sys
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import Agent, ModelSettings, function_tool, llm, stt


class Overriding(Agent):
    """Leaves nothing of the framework's own agent in place."""

    async def on_enter(self) -> None:
        """Overridden."""

    async def on_exit(self) -> None:
        """Overridden."""

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        """Overridden."""

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        async for event in Agent.default.stt_node(self, audio, model_settings):
            yield event

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[Any], model_settings: ModelSettings
    ) -> AsyncIterator[Any]:
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            yield chunk

    async def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterator[rtc.AudioFrame]:
        async for frame in Agent.default.tts_node(self, text, model_settings):
            yield frame

    async def transcription_node(self, text: AsyncIterable[Any], model_settings: ModelSettings) -> AsyncIterator[Any]:
        async for piece in text:
            yield piece


class Desk(Overriding):
    """Looks things up, hands over, and ends the call, in one case with a crash."""

    def __init__(self) -> None:
        super().__init__(instructions="You work at the desk of a store.")

    @function_tool
    async def find_my_order(self, order_number: str) -> str:
        """Look an order up.

        Args:
            order_number: the number of the order
        """
        self.session.note("the caller knows the order's number")
        return f"Order {order_number} is on its way."

    @function_tool
    async def replace_broken_goods(self) -> tuple[Agent, str]:
        """Hand over to the colleague who replaces them."""
        return Replacements(), "A colleague takes over."

    @function_tool
    async def describe_company(self) -> None:
        """Gives up, and takes the process with it."""
        sys.exit("no such file: company.txt")

    @function_tool
    async def finish_for_today(self) -> None:
        """End the call."""
        self.session.shutdown()


class Replacements(Overriding):
    """The colleague, who ends the call as well."""

    def __init__(self) -> None:
        super().__init__(instructions="You replace what is broken.")

    @function_tool
    async def finish_for_today(self) -> None:
        """End the call."""
        self.session.shutdown()
