"""The journals of all parts of a room session into its transcript. There is no other way to one.

The same records give the same transcript, on every node and however often.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from worker.transcript.agent_turns import agent_turns
from worker.transcript.events import CallPrevious, ErrorRaised, SttClosed, SttOpened
from worker.transcript.gaps import gaps_of
from worker.transcript.model import Part, Room, SttSession, Transcript, TranscriptError, Turn
from worker.transcript.other_turns import system_turns, tool_turns
from worker.transcript.people import participants_of
from worker.transcript.reading import Reading
from worker.transcript.timeline import PartTimeline, lay_out
from worker.transcript.totals import latency_of, usage_of
from worker.transcript.user_turns import user_turns


def replay(readings: Sequence[Reading], from_segments: Collection[str] = ()) -> Transcript:
    """Return the transcript that the parts' journals tell, in whatever order they are given.

    Args:
        readings: each part's lines.
        from_segments: jobs of the parts of which no journal was read, only what their node had sent to the store.

    Raises:
        ReplayError: no journal, or one that does not begin with `part.started`.
    """
    parts = lay_out(readings)
    first = parts[0].started
    gaps = gaps_of(parts, from_segments)
    records = [record for part in parts for record in part.records]
    return Transcript(
        transcript_id=transcript_id(first.room_sid, first.agent),
        room=Room(name=first.room, sid=first.room_sid),
        agent=first.agent,
        started_at=parts[0].started_at,
        ended=parts[-1].ended,
        complete=not gaps,
        parts=tuple(_part(part) for part in parts),
        participants=tuple(participants_of(parts)),
        turns=_turns(parts),
        gaps=tuple(gaps),
        errors=tuple(error for part in parts for error in _errors(part)),
        usage=usage_of([part.records for part in parts]),
        latency=latency_of(records),
        previous=next((each.event.transcript for each in records if isinstance(each.event, CallPrevious)), None),
    )


def transcript_id(room_sid: str, agent: str) -> str:
    """Return the name that all parts of one room session and agent share."""
    return f"{room_sid}-{agent}"


def _turns(parts: Sequence[PartTimeline]) -> tuple[Turn, ...]:
    """Everything said, in the order of its beginning."""
    drafts = [
        (max(0, draft.started_ms + part.offset), place, draft.seq, draft)
        for place, part in enumerate(parts)
        for draft in [
            *user_turns(part.records),
            *agent_turns(part.records, part.started.agent),
            *tool_turns(part.records),
            *system_turns(part.records),
        ]
    ]
    drafts.sort(key=lambda each: each[:3])
    return tuple(draft.turn(index, parts[place].offset) for index, (_, place, _, draft) in enumerate(drafts))


def _part(part: PartTimeline) -> Part:
    started = part.started
    return Part(
        part=started.part,
        job=started.job,
        agent_identity=started.agent_identity,
        dispatch=started.dispatch,
        started_at=part.started_at,
        started_ms=part.offset,
        ended=part.ended,
        resumed_from=started.resumed_from,
        events=len(part.records),
        settings_digest=started.settings_digest,
        versions=dict(sorted(started.versions.items())),
        providers=dict(sorted(started.providers.items())),
        stt_sessions=tuple(_stt_sessions(part)),
    )


def _stt_sessions(part: PartTimeline) -> list[SttSession]:
    sessions: dict[tuple[str, str], SttSession] = {}
    for record in part.records:
        match record.event:
            case SttOpened(stream=stream, session=session):
                sessions.setdefault((stream, session), SttSession(stream=stream, session=session))
            case SttClosed(stream=stream, session=session, billed_seconds=billed):
                sessions[stream, session] = SttSession(stream=stream, session=session, billed_seconds=billed)
            case _:
                pass
    return list(sessions.values())


def _errors(part: PartTimeline) -> list[TranscriptError]:
    return [
        TranscriptError(
            ms=part.offset + record.ms,
            code=record.event.code,
            message=record.event.message,
            source=record.event.source,
            fatal=record.event.fatal,
        )
        for record in part.records
        if isinstance(record.event, ErrorRaised)
    ]
