"""Who was in the room, and when one of them was not listened to."""

from __future__ import annotations

from collections.abc import Iterable

from worker.transcript.events import SPEAKING_KINDS, ParticipantJoined, ParticipantLeft
from worker.transcript.model import Participant, TranscriptGap
from worker.transcript.timeline import PartTimeline

NOT_TRANSCRIBED = "a participant who may have spoken was not transcribed"


def participants_of(parts: Iterable[PartTimeline]) -> list[Participant]:
    """Return everyone, once each, in the order in which they first joined."""
    people: dict[str, Participant] = {}
    for ms, event in _comings_and_goings(parts):
        known = people.get(event.identity)
        match event:
            case ParticipantJoined():
                people[event.identity] = Participant(
                    identity=event.identity,
                    name=event.name or (known.name if known else ""),
                    kind=event.participant_kind,
                    joined_ms=known.joined_ms if known else ms,
                    transcribed=event.transcribed,
                    call=event.call or (known.call if known else ""),
                    number=event.number or (known.number if known else ""),
                )
            case ParticipantLeft() if known:
                people[event.identity] = known.model_copy(update={"left_ms": ms})
            case _:
                pass
    return list(people.values())


def untranscribed_gaps(parts: Iterable[PartTimeline]) -> list[TranscriptGap]:
    """Return one gap for each time in which someone of a speaking kind was there and not transcribed."""
    gaps: list[TranscriptGap] = []
    since: dict[str, int] = {}
    for ms, event in _comings_and_goings(parts):
        unheard = (
            isinstance(event, ParticipantJoined) and event.participant_kind in SPEAKING_KINDS and not event.transcribed
        )
        if unheard:
            since.setdefault(event.identity, ms)
        elif event.identity in since:
            began = since.pop(event.identity)
            gaps.append(_gap(began, max(began, ms), event.identity))  # parts that overlap are told one after another
    return gaps + [_gap(ms, None, identity) for identity, ms in since.items()]


def _gap(from_ms: int, to_ms: int | None, identity: str) -> TranscriptGap:
    return TranscriptGap(from_ms=from_ms, to_ms=to_ms, reason=NOT_TRANSCRIBED, participant=identity)


def _comings_and_goings(
    parts: Iterable[PartTimeline],
) -> Iterable[tuple[int, ParticipantJoined | ParticipantLeft]]:
    for part in parts:
        for record in part.records:
            if isinstance(record.event, ParticipantJoined | ParticipantLeft):
                yield part.offset + record.ms, record.event
