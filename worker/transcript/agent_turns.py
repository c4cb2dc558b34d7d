"""What the agent of one part said, from its journal.

A speech that ended has its `agent.said`. One that did not (the worker died) shows what `agent.heard` last
told as played, and the rest of its `agent.sentence`s as unplayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from worker.transcript.drafts import Draft
from worker.transcript.events import AgentHeard, AgentSaid, AgentSentence, TurnLatency
from worker.transcript.line import Record
from worker.transcript.model import Latency
from worker.transcript.wording import join, rest


@dataclass(slots=True)
class _Speech:
    id: str | None
    seq: int
    ms: int
    last_ms: int
    sentences: list[str] = field(default_factory=list)
    heard: str = ""
    said: AgentSaid | None = None


def agent_turns(records: Iterable[Record], agent: str) -> list[Draft]:
    """Return the turns of the agent called `agent`. One speech may have several, one after another."""
    speeches: list[_Speech] = []
    current: dict[str | None, _Speech] = {}
    over: dict[str | None, str] = {}
    """What was said of each speech that has ended."""
    latencies: dict[str, Latency] = {}
    for record in records:
        match record.event:
            case AgentSentence() | AgentHeard() | AgentSaid() as event:
                speech = current.get(event.speech)
                if speech is None and isinstance(event, AgentHeard) and _begins(over.get(event.speech, ""), event.text):
                    continue  # written late: the speech has its turn already
                if speech is None:
                    speech = current[event.speech] = _Speech(event.speech, record.seq, record.ms, record.ms)
                    speeches.append(speech)
                speech.last_ms = record.ms
                _take(speech, event)
                if speech.said is not None:
                    over[event.speech] = speech.said.text
                    del current[event.speech]
            case TurnLatency(speech=str() as speech_id) as event:
                latencies[speech_id] = Latency(answer_ms=event.answer_ms, stages=dict(event.stages))
            case _:
                pass
    return [draft for speech in speeches if (draft := _draft(speech, agent, latencies))]


def _take(speech: _Speech, event: AgentSentence | AgentHeard | AgentSaid) -> None:
    match event:
        case AgentSentence():
            if event.continues and speech.sentences:
                speech.sentences[-1] += event.text
            else:
                speech.sentences.append(event.text)
        case AgentHeard():
            speech.heard = event.text if event.text.strip() else speech.heard
        case AgentSaid():
            speech.said = event


def _begins(whole: str, beginning: str) -> bool:
    """Return whether `whole` begins so, whatever the white space in either."""
    return "".join(whole.split()).startswith("".join(beginning.split()))


def _draft(speech: _Speech, agent: str, latencies: dict[str, Latency]) -> Draft | None:
    said = speech.said or _cut(speech)
    unplayed = said.unplayed_text.strip()
    if said.interrupted and not unplayed:
        unplayed = rest(join(speech.sentences), said.text)
    text = said.text.strip()
    if not text and not unplayed:
        return None
    return Draft(
        seq=speech.seq,
        role="agent",
        participant=agent,
        text=text,
        started_ms=speech.ms if said.started_ms is None else said.started_ms,
        ended_ms=speech.last_ms if said.ended_ms is None else said.ended_ms,
        interrupted=said.interrupted,
        unplayed_text=unplayed,
        latency=latencies.pop(speech.id, None) if speech.id is not None else None,
    )


def _cut(speech: _Speech) -> AgentSaid:
    """Return the `agent.said` that a dead worker could not write."""
    unplayed = rest(join(speech.sentences), speech.heard)
    return AgentSaid(text=speech.heard, interrupted=bool(unplayed), unplayed_text=unplayed)
