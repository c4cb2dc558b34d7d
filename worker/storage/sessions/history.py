"""What happened to a session, from its dispatch to its storage, as one timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.transcript import events
from worker.transcript.line import Record
from worker.transcript.reading import Reading


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened."""

    at: str
    """RFC 3339, UTC."""
    what: str
    """One word or two: part started, error, stored …"""
    detail: str
    """In words; of what was said only where that was asked for."""
    job: str = ""


def call_steps(readings: Mapping[str, Reading], *, with_text: bool = False, runs: bool = False) -> Sequence[Step]:
    """Return what the journals tell, in the order of the times that the nodes' clocks gave.

    Args:
        readings: each part's lines, by job.
        with_text: whether what was said is told too.
        runs: whether the call goes on, so that its last part is not dead.
    """
    steps = [
        Step(record.at, what, detail, job)
        for job, reading in readings.items()
        for record in _without_old_totals(reading.records)
        for what, detail in _told(record, with_text)
    ]
    begun = {job: reading.records for job, reading in readings.items() if reading.records}
    newest = max(begun, key=lambda job: begun[job][0].at, default="")
    for job, records in begun.items():
        if runs and job == newest:
            steps.append(Step(records[-1].at, "running", "the call goes on: the newest line of its journal", job))
        elif not any(isinstance(each.event, events.PartEnded) for each in records):
            steps.append(Step(records[-1].at, "crashed", "the journal has no end: its last line", job))
    return sorted(steps, key=lambda step: step.at)


def _without_old_totals(records: Sequence[Record]) -> Iterator[Record]:
    """Yield the records but those `usage` totals that a later one of the part replaces: a long call has hundreds."""
    newest = {
        (record.event.service, record.event.model): record.seq
        for record in records
        if isinstance(record.event, events.UsageReported)
    }
    for record in records:
        event = record.event
        if not isinstance(event, events.UsageReported) or newest[event.service, event.model] == record.seq:
            yield record


def _told(record: Record, with_text: bool) -> Iterator[tuple[str, str]]:
    match record.event:
        case events.PartStarted() as started:
            yield "part started", _started(started)
        case events.ParticipantJoined(identity=identity, name=name, participant_kind=kind, transcribed=transcribed):
            who = f"{identity} ({name})" if name and name != identity else identity
            yield "joined", f"{who}, {kind}, {'transcribed' if transcribed else 'not transcribed'}"
        case events.ParticipantLeft(identity=identity, reason=reason):
            yield "left", f"{identity}{f', {reason}' if reason else ''}"
        case events.SttOpened(stream=stream, session=session):
            yield "stt opened", f"stream {stream}, session {session or 'not known'}"
        case events.SttClosed() as closed:
            yield "stt closed", _closed(closed)
        case events.AgentChanged(agent=agent):
            yield "agent changed", agent
        case events.ErrorRaised(code=code, message=message, source=source, fatal=fatal):
            said = ": ".join(part for part in (source, code, message) if part)
            yield "error", f"{said}{', and the call ended with it' if fatal else ''}"
        case events.Gap(from_ms=begin, to_ms=end, reason=reason, participant=participant):
            span = f"{begin} ms to {'the end' if end is None else f'{end} ms'}"
            yield "gap", f"{reason} ({span}{f', {participant}' if participant else ''})"
        case events.UsageReported(service=service, model=model, amounts=amounts):
            spent = ", ".join(f"{name} {round(amount, 2)}" for name, amount in amounts.items())
            yield "usage", f"{service} {model}: {spent}"
        case events.PartEnded(reason=reason, detail=detail):
            yield "part ended", f"{reason}{f', {detail}' if detail else ''}"
        case None:
            yield "unknown", f"a line of kind {record.kind}, which this version does not know"
        case event if with_text:
            yield from _said(event)
        case _:
            pass


def _started(started: events.PartStarted) -> str:
    told = [
        f"part {started.part} of room {started.room} ({started.room_sid})",
        f"agent {started.agent_identity}",
        f"dispatch {started.dispatch}" if started.dispatch else "without a dispatch",
        f"resumed from {started.resumed_from}" if started.resumed_from else "",
        f"settings {started.settings_digest}" if started.settings_digest else "",
        " ".join(f"{name} {version}" for name, version in sorted(started.versions.items())),
        " ".join(f"{service}={name}" for service, name in sorted(started.providers.items())),
    ]
    return ", ".join(each for each in told if each)


def _closed(closed: events.SttClosed) -> str:
    told = [
        f"stream {closed.stream}",
        f"session {closed.session or 'not known'}",
        f"code {closed.code}" if closed.code is not None else "",
        closed.reason,
        f"{closed.billed_seconds:g} s billed" if closed.billed_seconds is not None else "bill not known",
    ]
    return ", ".join(each for each in told if each)


def _said(event: events.Event) -> Iterator[tuple[str, str]]:
    match event:
        case events.UserFinal(participant=participant, text=text):
            yield "user", f"{participant}: {text}"
        case events.AgentSaid(text=text, interrupted=interrupted):
            yield "agent", f"{text}{' (interrupted)' if interrupted else ''}"
        case events.ToolCalled(name=name, arguments=arguments):
            yield "tool called", f"{name} {arguments}"
        case events.ToolReturned(name=name, output=output):
            yield "tool returned", f"{name}: {output}"
        case events.Dtmf(participant=participant, digit=digit):
            yield "key", f"{participant}: {digit}"
        case events.Note(text=text):
            yield "note", text
        case _:
            pass
