"""What else happened in one part that a reader wants in its place: tools, keys pressed, agents, notes."""

from __future__ import annotations

from collections.abc import Iterable

from worker.transcript.drafts import Draft
from worker.transcript.events import AgentChanged, Dtmf, Note, ToolCalled, ToolReturned
from worker.transcript.line import Record
from worker.transcript.model import Tool


def tool_turns(records: Iterable[Record]) -> list[Draft]:
    """Return one turn a tool call, with its result once there is one."""
    drafts: list[Draft] = []
    open_calls: dict[str, int] = {}
    """Place in `drafts` of calls without a result."""
    for record in records:
        match record.event:
            case ToolCalled() as event:
                open_calls[event.call] = len(drafts)
                tool = Tool(call=event.call, name=event.name, arguments=event.arguments)
                drafts.append(_tool_draft(record.seq, record.ms, record.ms, tool))
            case ToolReturned() as event:
                place = open_calls.pop(event.call, None)
                if place is None:
                    place = len(drafts)
                    orphan = Tool(call=event.call, name=event.name)
                    drafts.append(_tool_draft(record.seq, record.ms, record.ms, orphan))
                called = drafts[place]
                assert called.tool is not None
                tool = called.tool.model_copy(update={"output": event.output, "failed": event.failed})
                drafts[place] = _tool_draft(called.seq, called.started_ms, record.ms, tool)
            case _:
                pass
    return drafts


def system_turns(records: Iterable[Record]) -> list[Draft]:
    """Return keys pressed, changes of the agent, and notes."""
    drafts: list[Draft] = []
    for record in records:
        match record.event:
            case Dtmf() as event:
                drafts.append(_system_draft(record, f"pressed {event.digit}", event.participant))
            case AgentChanged() as event:
                drafts.append(_system_draft(record, f"agent is now {event.agent}"))
            case Note() as event:
                drafts.append(_system_draft(record, event.text))
            case _:
                pass
    return drafts


def _tool_draft(seq: int, started_ms: int, ended_ms: int, tool: Tool) -> Draft:
    call = f"{tool.name}({tool.arguments})"
    match tool:
        case Tool(output=None):
            text = f"{call}: no result"
        case Tool(failed=True):
            text = f"{call} failed: {tool.output}"
        case _:
            text = f"{call}: {tool.output}"
    return Draft(seq=seq, role="tool", text=text, started_ms=started_ms, ended_ms=ended_ms, tool=tool)


def _system_draft(record: Record, text: str, participant: str | None = None) -> Draft:
    return Draft(
        seq=record.seq,
        role="system",
        participant=participant,
        text=text,
        started_ms=record.ms,
        ended_ms=record.ms,
    )
