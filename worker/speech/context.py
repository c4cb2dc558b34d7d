"""How much of a conversation an LLM is sent: what is too old is left out, or told in a summary.

A request is cut only where the conversation reads on from: at something that the caller said, never between a tool's
call and its result. The cut stays where it is until there is too much again, for services keep what does not change
from one request to the next at hand.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final, Literal

from livekit.agents import llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

logger = logging.getLogger("verbatim.speech")

Overflow = Literal["summarise", "truncate"]

BYTES_PER_TOKEN: Final = 3
"""Of UTF-8. English has about four to a token, Japanese three and Arabic three to four (OpenAI's o200k tokenizer)."""

TOKENS_PER_ITEM: Final = 8
"""What a message's role and a call's identifiers cost, generously."""

TOKENS_OF_A_PICTURE: Final = 1000

KEPT_SHARE: Final = 0.6
"""Of the limit that is left after a cut, so that the next one is not due at once."""

SUMMARY_SHARE: Final = 0.8
"""Of the limit from which on the oldest part is summarised, while requests still fit."""

SUMMARY_SECONDS: Final = 60.0
"""How long a summary may take; the conversation goes on meanwhile."""

SUMMARISE: Final = (
    "Summarise this part of a phone conversation for the agent who leads it. Keep every name, number, date, promise "
    "and open question, and every result of a tool. Write plain sentences in the language of the conversation. Do not "
    "provide a preamble."
)

SUMMARY: Final = "What was said earlier in this conversation, as a summary: {text}"


def tokens(items: Sequence[llm.ChatItem]) -> int:
    """Estimate how many tokens `items` are, rather too many than too few."""
    return sum(_tokens_of(item) for item in items)


def _tokens_of(item: llm.ChatItem) -> int:
    if isinstance(item, llm.ChatMessage):
        texts = [part for part in item.content if isinstance(part, str)]
        other = len(item.content) - len(texts)
    elif isinstance(item, llm.FunctionCall):
        texts, other = [item.name, item.arguments], 0
    elif isinstance(item, llm.FunctionCallOutput):
        texts, other = [item.name, item.output], 0
    else:
        return 0  # hand-offs and changes of configuration are not sent
    size = sum(len(text.encode()) for text in texts)
    return -(-size // BYTES_PER_TOKEN) + TOKENS_PER_ITEM + other * TOKENS_OF_A_PICTURE


def instructions_first(items: Sequence[llm.ChatItem]) -> tuple[list[llm.ChatItem], list[llm.ChatItem]]:
    """Return the instructions at the beginning, and the conversation after them."""
    count = 0
    while count < len(items) and _is_instruction(items[count]):
        count += 1
    return list(items[:count]), list(items[count:])


def cut_for(conversation: Sequence[llm.ChatItem], most: int) -> int:
    """Return how many of the oldest items have to go, so that about `most` tokens are left.

    The newest thing that the caller said stays in any case, with all that follows it.
    """
    starts = _starts(conversation)
    left = tokens(conversation)
    for index, item in enumerate(conversation):
        if left <= most:
            return next((start for start in starts if start >= index), _last(starts)) if index else 0
        left -= _tokens_of(item)
    return _last(starts)


def _last(starts: Sequence[int]) -> int:
    return starts[-1] if starts else 0


def _starts(conversation: Sequence[llm.ChatItem]) -> list[int]:
    """Return where the conversation can begin: the caller speaks, and no tool's result is left without its call."""
    returned = {item.call_id: index for index, item in enumerate(conversation) if item.type == "function_call_output"}
    open_until, starts = 0, []
    for index, item in enumerate(conversation):
        if isinstance(item, llm.FunctionCall):
            open_until = max(open_until, returned.get(item.call_id, 0))
        elif index > open_until and isinstance(item, llm.ChatMessage) and item.role == "user":
            starts.append(index)
    return starts


def _is_instruction(item: llm.ChatItem) -> bool:
    return isinstance(item, llm.ChatMessage) and item.role in ("system", "developer")


class ContextWindow:
    """One call's conversation as its requests hold it.

    Args:
        most: tokens that a request may have.
        overflow: what becomes of the rest.
        model: writes the summaries.
    """

    def __init__(self, most: int, overflow: Overflow, model: llm.LLM[Any]) -> None:
        self._most = most
        self._overflow = overflow
        self._model = model
        self._first: str | None = None
        """Id of the oldest item that requests still hold."""
        self._summary = ""
        self._summarising: asyncio.Task[None] | None = None

    def fit(self, context: llm.ChatContext) -> llm.ChatContext:
        """Return what of `context` is sent: all of it, as long as it is short enough."""
        instructions, conversation = instructions_first(context.items)
        start = self._start(conversation)
        told = self._told() if start else []
        conversation = conversation[start:]
        fixed = tokens(instructions) + tokens(told)
        if fixed + tokens(conversation) > self._most:
            cut = cut_for(conversation, round(self._most * KEPT_SHARE) - fixed)
            if cut:
                conversation = conversation[cut:]
                self._first = conversation[0].id
                self._stop_summarising()
        elif self._overflow == "summarise" and fixed + tokens(conversation) > self._most * SUMMARY_SHARE:
            self._summarise(told, conversation, round(self._most * KEPT_SHARE / 2) - fixed)
        return llm.ChatContext([*instructions, *told, *conversation])

    async def aclose(self) -> None:
        """End the summary that is being written."""
        task = self._summarising
        self._stop_summarising()
        if task is not None:
            await asyncio.wait({task})

    def _start(self, conversation: Sequence[llm.ChatItem]) -> int:
        # 0 also where an agent that was handed over to has a conversation of its own.
        return next((index for index, item in enumerate(conversation) if item.id == self._first), 0)

    def _told(self) -> list[llm.ChatItem]:
        if not self._summary:
            return []
        return [llm.ChatMessage(role="system", content=[SUMMARY.format(text=self._summary)])]

    def _summarise(self, told: Sequence[llm.ChatItem], conversation: Sequence[llm.ChatItem], most: int) -> None:
        cut = cut_for(conversation, most)
        if self._summarising is None and cut:
            oldest = [*told, *conversation[:cut]]
            self._summarising = asyncio.create_task(self._write(oldest, conversation[cut].id))

    def _stop_summarising(self) -> None:
        if self._summarising is not None:
            self._summarising.cancel()
            self._summarising = None

    async def _write(self, oldest: Sequence[llm.ChatItem], first: str) -> None:
        request = llm.ChatContext.empty()
        request.add_message(role="system", content=SUMMARISE)
        request.add_message(role="user", content=_as_text(oldest))
        try:
            answer = self._model.chat(chat_ctx=request, conn_options=DEFAULT_API_CONNECT_OPTIONS)
            async with asyncio.timeout(SUMMARY_SECONDS), answer as stream:
                text = "".join([chunk.delta.content or "" async for chunk in stream if chunk.delta])
        except Exception as error:  # its text may quote the conversation
            logger.warning("no summary, so the oldest part of the conversation is left out: %s", type(error).__name__)
            text = self._summary
        # Too long a summary would take the room that it was to make.
        longest = self._most * BYTES_PER_TOKEN // 8
        self._summary = text.strip().encode()[:longest].decode(errors="ignore")
        self._first = first
        self._summarising = None


def _as_text(items: Sequence[llm.ChatItem]) -> str:
    lines = []
    for item in items:
        if isinstance(item, llm.ChatMessage):
            lines.append(f"{item.role}: {item.text_content or ''}")
        elif isinstance(item, llm.FunctionCall):
            lines.append(f"tool {item.name} called with {item.arguments}")
        elif isinstance(item, llm.FunctionCallOutput):
            lines.append(f"tool {item.name} returned {item.output}")
    return "\n".join(lines)
