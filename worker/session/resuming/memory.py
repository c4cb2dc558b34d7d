"""What an agent that goes on with a call has to know of it, from the journals of the parts before. Pure.

The conversation is what the LLM last had of it: of a speech that was cut off, what was played. A tool that was called
and never answered comes back as such, so that nothing is done twice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from livekit.agents import ChatContext, ChatMessage, FunctionCall, FunctionCallOutput
from livekit.agents.llm import ChatItem

from worker.transcript.events import AgentChanged, AgentState, ParticipantJoined, ToolCalled, ToolReturned
from worker.transcript.line import Record
from worker.transcript.model import Ended, Transcript, Turn
from worker.transcript.reading import Reading
from worker.transcript.replay import replay
from worker.transcript.timeline import PartTimeline, lay_out

UNKNOWN = "The outcome of this call is unknown: the connection was cut off while it ran. Do not repeat it."
"""Result of a tool that was called and has none: it may have done its work."""

UNKNOWN_IDEMPOTENT = (
    "The outcome of this call is unknown: the connection was cut off while it ran. It is safe to make exactly the same "
    "call once more to find out."
)
"""The same for a tool that does its work once, however often it is called with one idempotency key."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of a call before the part that begins.

    Attributes:
        transcript: all of it.
        job: of the part before.
        ended: how and when that one ended.
        caller: identity of who was listened to last, as it is written down; empty where nobody came.
        agent: the last change of the agent; `None` where the first one still answers.
        changed_ms: when that was, on the transcript's clock.
        state: what that agent gave of itself last, JSON; `None` where it gave nothing.
        open_tools: calls of tools without a result, the oldest first.
    """

    transcript: Transcript
    job: str
    ended: Ended
    caller: str
    agent: AgentChanged | None
    changed_ms: int
    state: str | None
    open_tools: Sequence[ToolCalled]

    @property
    def next_part(self) -> int:
        """Number of the part that begins."""
        return max(part.part for part in self.transcript.parts) + 1

    def conversation(self, own_tools: Collection[str], idempotent: Collection[str]) -> ChatContext:
        """Return what the LLM is to know of what was said and done.

        Args:
            own_tools: names of the tools that the agent has itself. What a colleague before it did with others is
                left out, as the framework does.
            idempotent: names of those that do their work once, however often they are called with one key.
        """
        items: list[ChatItem] = []
        seen: set[str] = set()
        began = datetime.fromisoformat(self.transcript.started_at)
        since = 0 if self.agent is None or self.agent.remembers else self.changed_ms
        for turn in self.transcript.turns:
            at = (began + timedelta(milliseconds=turn.started_ms)).timestamp()
            if turn.started_ms < since:
                continue
            if turn.tool is not None:
                if turn.tool.name in own_tools or turn.started_ms >= self.changed_ms:
                    items += _tool_items(turn, at, seen, idempotent)
            elif turn.text and turn.role in ("user", "agent"):
                items.append(_message(turn, at))
        return ChatContext(items)


def remember(readings: Sequence[Reading]) -> Memory | None:
    """Return what the parts tell, in whatever order they are given; `None` where there are none."""
    if not readings:
        return None
    parts = lay_out(readings)
    records = [(part, record) for part in parts for record in part.records]
    agent, changed_ms, state = _agent_of(records)
    open_tools: dict[str, ToolCalled] = {}
    caller = ""
    for _, record in records:
        match record.event:
            case ToolCalled() as called:
                open_tools[called.call] = called
            case ToolReturned(call=call):
                open_tools.pop(call, None)
            case ParticipantJoined(transcribed=True, identity=identity):
                caller = identity
            case _:
                pass
    last = parts[-1]
    return Memory(
        transcript=replay(readings),
        job=last.started.job,
        ended=last.ended,
        caller=caller,
        agent=agent,
        changed_ms=changed_ms,
        state=state,
        open_tools=tuple(open_tools.values()),
    )


def _agent_of(records: Sequence[tuple[PartTimeline, Record]]) -> tuple[AgentChanged | None, int, str | None]:
    agent: AgentChanged | None = None
    changed_ms, state = 0, None
    for part, record in records:
        if isinstance(record.event, AgentChanged):
            agent, changed_ms, state = record.event, part.offset + record.ms, None
        elif isinstance(record.event, AgentState):
            state = record.event.state
    return agent, changed_ms, state


def _message(turn: Turn, at: float) -> ChatMessage:
    return ChatMessage(
        role="user" if turn.role == "user" else "assistant",
        content=[turn.text],
        interrupted=turn.interrupted,
        created_at=at,
    )


def _tool_items(turn: Turn, at: float, seen: set[str], idempotent: Collection[str]) -> Sequence[ChatItem]:
    assert turn.tool is not None
    tool = turn.tool
    # A model may count its calls from one in each conversation; a result must find its own.
    call = tool.call if tool.call not in seen else f"{tool.call}_{turn.index}"
    seen.add(call)
    output, failed = tool.output, tool.failed
    if output is None:
        output, failed = UNKNOWN_IDEMPOTENT if tool.name in idempotent else UNKNOWN, True
    return [
        FunctionCall(call_id=call, name=tool.name, arguments=tool.arguments or "{}", created_at=at),
        FunctionCallOutput(call_id=call, name=tool.name, output=output, is_error=failed, created_at=at),
    ]
