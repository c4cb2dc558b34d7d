"""The call's journal, as the speech components and the session see it."""

import time
from asyncio import Future
from collections.abc import Callable
from typing import Any

from livekit.agents import AgentSession

from worker.session.capturing.counting import count
from worker.session.capturing.current_speech import current_speech
from worker.session.capturing.roster import Roster
from worker.session.resuming.idempotency import IdempotencyKeys
from worker.storage.journal.journal import Accepted, Journal
from worker.transcript.events import AgentHeard, AgentSaid, Event, ToolCalled, UserFinal


class CallRecorder:
    """Appends to the journal, and knows who is speaking."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.roster: Roster | None = None
        self.session: AgentSession[Any] | None = None
        self.watcher: Callable[[Event], None] | None = None
        """Told of every event, once it is on its way."""
        self.keys = IdempotencyKeys("")
        """The idempotency keys of this part's tool calls."""
        self.anything_said = False
        """Whether either side said anything yet."""
        self.last_word_ms: int | None = None
        """When the caller's last recognised word ended, on the part's clock."""

    def append(self, event: Event) -> Future[Accepted]:
        """Enqueue `event`; the future is done when it is accepted."""
        if isinstance(event, UserFinal | AgentSaid | AgentHeard):
            self.anything_said = True
        if isinstance(event, UserFinal) and event.source == "speech" and event.ended_ms is not None:
            self.last_word_ms = event.ended_ms
        accepted = self._journal.append(event)
        count(event, accepted)
        if self.watcher is not None:
            self.watcher(event)
        return accepted

    def begin_tool(self, call: str, name: str, arguments: str) -> Future[Accepted]:
        """Enqueue that a tool is about to be called; the future is done when that is accepted."""
        key = self.keys.begin(call, name, arguments)
        return self.append(ToolCalled(call=call, name=name, arguments=arguments, speech=self.speech, key=key))

    def tool_key(self, call: str) -> str:
        """Return the idempotency key of a tool call that was begun, by the id that the LLM gave it."""
        return self.keys.of(call)

    async def settled(self) -> None:
        """Wait until everything enqueued so far is accepted, at most the append deadline."""
        await self._journal.settled()

    def ms_at(self, wall_clock: float) -> int:
        """`wall_clock` (Unix seconds) as milliseconds on the part's clock."""
        return max(0, round(self._journal.clock() - 1000 * (time.time() - wall_clock)))

    @property
    def participant(self) -> str:
        """Identity of the participant who is transcribed, or an empty string."""
        return self.roster.caller if self.roster is not None else ""

    @property
    def speech(self) -> str | None:
        """Id of the speech that the running task works for."""
        return current_speech(self.session)
