"""Tools that do their work once, however often they are called.

A tool that was running when its process died may have done its work, or not. One that is marked `idempotent` may be
called again with the same arguments, and gets the same key again: what it asks to do the work (a calendar, a payment
service) knows by the key that it was asked before.

    @function_tool
    @idempotent
    async def book(self, context: RunContext, day: str) -> str:
        return await calendar.book(day, key=self.session.idempotency_key(context))
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from livekit.agents import FunctionTool
from livekit.agents.llm import RawFunctionTool, Tool, Toolset

from worker.transcript.events import ToolCalled

MARK = "verbatim_idempotent"

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])


def idempotent(tool: AnyCallable) -> AnyCallable:
    """Mark a tool as one that may be called again after a crash; above or below `function_tool`."""
    # The framework makes a tool anew for each agent, from the function in it.
    setattr(getattr(tool, "__wrapped__", tool), MARK, True)
    setattr(tool, MARK, True)
    return tool


def tool_names(tools: Iterable[Tool | Toolset]) -> frozenset[str]:
    """Return the names of the functions among `tools`."""
    return frozenset(each.info.name for each in _functions(tools))


def idempotent_names(tools: Iterable[Tool | Toolset]) -> frozenset[str]:
    """Return the names of those that are marked `idempotent`."""
    return frozenset(each.info.name for each in _functions(tools) if getattr(each, MARK, False))


def _functions(tools: Iterable[Tool | Toolset]) -> Iterable["FunctionTool[..., Any] | RawFunctionTool[..., Any]"]:
    for tool in tools:
        if isinstance(tool, Toolset):
            yield from _functions(tool.tools)
        elif isinstance(tool, FunctionTool | RawFunctionTool):
            yield tool


class IdempotencyKeys:
    """The keys of one part's tool calls.

    Args:
        job: the part's job.
        cut_off: calls of earlier parts that have no result. The first that is made again exactly so has its key.
    """

    def __init__(self, job: str, cut_off: Sequence[ToolCalled] = ()) -> None:
        self._job = job
        self._cut_off = list(cut_off)
        self._by_call: dict[str, str] = {}
        self._count = 0

    def begin(self, call: str, name: str, arguments: str) -> str:
        """Return the key of a call that is about to be made, by the id and with the arguments that the LLM gave."""
        self._count += 1
        key = f"{self._job}.{self._count}"
        for each in self._cut_off:
            if each.key and each.name == name and _same(each.arguments, arguments):
                self._cut_off.remove(each)
                key = each.key
                break
        self._by_call[call] = key
        return key

    def of(self, call: str) -> str:
        """Return the key of a call that was begun.

        Raises:
            KeyError: it was not.
        """
        return self._by_call[call]


def _same(one: str, other: str) -> bool:
    try:
        return bool(json.loads(one or "{}") == json.loads(other or "{}"))
    except ValueError:
        return one == other
