"""A recorder that keeps events in memory, and accepts them when the test says so."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from livekit.agents import AgentSession

from worker.session.capturing.current_speech import current_speech
from worker.session.resuming.idempotency import IdempotencyKeys
from worker.transcript.events import Event, ToolCalled

PATIENCE_S = 10.0

E = TypeVar("E")


class MemoryRecorder:
    """Takes events in order; accepts them at once, or while held when `release` is called.

    Its clock counts milliseconds since `began` (Unix seconds).
    """

    def __init__(self, *, began: float = 0.0) -> None:
        self.events: list[Event] = []
        self.participant = "caller"
        self.session: AgentSession[Any] | None = None
        self.last_word_ms: int | None = None
        self.keys = IdempotencyKeys("AJ_1")
        self._began = began
        self._held = False
        self._unanswered: list[asyncio.Future[None]] = []
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def append(self, event: Event) -> asyncio.Future[None]:
        self.events.append(event)
        for holds, seen in self._watchers:
            if holds() and not seen.done():
                seen.set_result(None)
        return self._answer()

    def begin_tool(self, call: str, name: str, arguments: str) -> asyncio.Future[None]:
        key = self.keys.begin(call, name, arguments)
        return self.append(ToolCalled(call=call, name=name, arguments=arguments, speech=self.speech, key=key))

    def tool_key(self, call: str) -> str:
        return self.keys.of(call)

    async def settled(self) -> None:
        await self._answer()

    def ms_at(self, wall_clock: float) -> int:
        return max(0, round(1000 * (wall_clock - self._began)))

    @property
    def speech(self) -> str | None:
        if self.session is None:
            return "speech-1"
        return current_speech(self.session)

    def hold(self) -> None:
        """Accept nothing from now on."""
        self._held = True

    def release(self) -> None:
        """Accept what waits, and from now on everything."""
        self._held = False
        for answer in self._unanswered:
            if not answer.done():
                answer.set_result(None)

    @property
    def waited_for(self) -> int:
        """How many answers are waited for now."""
        return sum(not answer.done() for answer in self._unanswered)

    def of(self, kind: type[E]) -> list[E]:
        """The events of one class."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[E], count: int = 1) -> E:
        """Wait until there are `count` events of one class; return the last of them."""

        def enough() -> bool:
            return len(self.of(kind)) >= count

        if not enough():
            seen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append((enough, seen))
            async with asyncio.timeout(PATIENCE_S):
                await seen
        return self.of(kind)[count - 1]

    def _answer(self) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._held:
            self._unanswered.append(answer)
        else:
            answer.set_result(None)
        return answer


async def let_others_run(turns: int = 50) -> None:
    """Give every task that could go on the chance to do so; what waits still waits afterwards."""
    for _ in range(turns):
        await asyncio.sleep(0)
