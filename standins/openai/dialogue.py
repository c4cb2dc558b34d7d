"""The scripted dialogue: from a conversation so far to the next thing said, or the next tool called.

Pure and deterministic: the same conversation always gets the same answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from standins.openai import replies
from standins.openai.requests import ChatRequest, Message
from standins.openai.tools import arguments_for, tool_for

INSTRUCTIONS = ("system", "developer")


class UnmatchedError(LookupError):
    """A strict dialogue met a sentence that no rule covers."""


@dataclass(frozen=True, slots=True)
class Say:
    """An answer in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` is a JSON object."""

    name: str
    arguments: str


def answer(request: ChatRequest, *, strict: bool = False) -> Say | Call:
    """Answers a conversation.

    Args:
        request: The messages so far, and the tools on offer.
        strict: Whether a sentence that no rule covers is an error instead of being repeated.

    Raises:
        UnmatchedError: In strict mode, when no rule covers what was said.
    """
    messages = request.messages
    last = messages[-1]
    if last.role == "tool":
        return Say(replies.TOOL_RESULT.format(result=last.text))
    said = [message.text for message in messages if message.role == "user"]
    if last.role in INSTRUCTIONS or not said:
        return Say(_instructed(last.text, greeted=any(message.role == "assistant" for message in messages)))
    functions = [tool.function for tool in request.tools]
    function = tool_for(said[-1], functions, request.tool_choice)
    if function is not None:
        return Call(function.name, arguments_for(said[-1], function))
    return Say(_reply(said, messages, strict=strict))


def _instructed(instruction: str, *, greeted: bool) -> str:
    """What is said when the agent speaks on an instruction, and not to answer someone."""
    wanted = instruction.lower()
    if greeted and re.search(r"goodbye|farewell|say bye", wanted):
        return replies.FAREWELL
    if greeted and re.search(r"still there|silent|silence|quiet", wanted):
        return replies.STILL_THERE
    if not greeted or re.search(r"greet|welcome|introduce", wanted):
        return replies.GREETING
    return replies.GO_ON


def _reply(said: Sequence[str], messages: Sequence[Message], *, strict: bool) -> str:
    sentence = said[-1].strip()
    if not re.search(r"\w", sentence):
        return replies.NOT_HEARD
    if replies.REPEAT.search(sentence.lower()):
        spoken = [message.text for message in messages if message.role == "assistant" and message.text]
        return spoken[-1] if spoken else replies.NOTHING_SAID
    rule = replies.rule_for(sentence)
    if rule is not None:
        before = sum(1 for earlier in said[:-1] if replies.rule_for(earlier) is rule)
        return rule.replies[before % len(rule.replies)]
    if strict:
        raise UnmatchedError("No rule of the scripted dialogue covers the last user message.")
    return replies.UNMATCHED.format(text=sentence.rstrip(".?! "))
