"""What the users of one part said, from its journal.

* A recogniser's turn (participant, stream, turn order) is one *segment*, however often it was final: the
  formatted final counts, else the last.
* Segments up to the participant's next `user.turn` are one turn; where the recogniser heard speakers change
  within it, one turn each. A segment that no `user.turn` has taken is a turn of its own.
* Words that never became final are an unfinished turn, unless the agent took them as a turn. A final without
  text withdraws them: the recogniser has decided that nothing was said.
* A typed message is a turn of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from statistics import fmean

from worker.transcript.drafts import Draft
from worker.transcript.events import UserEarly, UserFinal, UserInterim, UserRevised, UserSpeech, UserTurn
from worker.transcript.line import Record
from worker.transcript.wording import join

_Key = tuple[str, str | None, int | None]


@dataclass(slots=True)
class _Segment:
    """One turn of the recogniser."""

    seq: int
    ms: int
    """When its first sign was journaled; stands in for a start that the recogniser did not give."""
    last_ms: int
    speech: UserSpeech


@dataclass(slots=True)
class _Fold:
    turns: list[list[_Segment]] = field(default_factory=list)
    open: dict[str, list[_Segment]] = field(default_factory=dict)
    """By participant: final segments that no `user.turn` has taken yet."""
    final: dict[_Key, _Segment] = field(default_factory=dict)
    pending: dict[_Key, _Segment] = field(default_factory=dict)
    """Words that are not final yet."""
    speakers: dict[_Key, str | None] = field(default_factory=dict)


def user_turns(records: Iterable[Record]) -> list[Draft]:
    """Return the users' turns of one part."""
    fold = _Fold()
    for record in records:
        match record.event:
            case UserFinal(source="chat") as event:
                if event.text.strip():
                    fold.turns.append([_Segment(record.seq, record.ms, record.ms, event)])
            case UserFinal() as event:
                _take_final(fold, record, event)
            case UserInterim() | UserEarly() as event:
                _take_pending(fold, record, event)
            case UserTurn() as event:
                _take_turn(fold, record, event)
            case UserRevised() as event:
                fold.speakers[event.participant, event.stream, event.turn_order] = event.speaker
            case _:
                pass
    fold.turns += [[segment] for untaken in fold.open.values() for segment in untaken]
    finished = [draft for turn in fold.turns for draft in _drafts(turn, fold)]
    unfinished = [_draft([segment], fold, unfinished=True) for segment in fold.pending.values()]
    return finished + unfinished


def _key(event: UserSpeech) -> _Key:
    return event.participant, event.stream, event.turn_order


def _take_final(fold: _Fold, record: Record, event: UserFinal) -> None:
    key = _key(event)
    pending = fold.pending.pop(key, None)
    if not event.text.strip():
        return
    known = fold.final.get(key) if event.turn_order is not None else None
    if known is not None:
        known.speech = _better(known.speech, event)
        return
    began = pending or record
    segment = _Segment(began.seq, began.ms, record.ms, event)
    fold.open.setdefault(event.participant, []).append(segment)
    fold.final[key] = segment


def _take_pending(fold: _Fold, record: Record, event: UserSpeech) -> None:
    key = _key(event)
    is_late = event.turn_order is not None and key in fold.final
    if is_late or not event.text.strip():
        return
    began = fold.pending.get(key) or record
    fold.pending[key] = _Segment(began.seq, began.ms, record.ms, event)


def _take_turn(fold: _Fold, record: Record, event: UserTurn) -> None:
    segments = fold.open.pop(event.participant, [])
    if not segments and event.text.strip():
        segments = _taken_before_final(fold, record, event)
    if segments:
        fold.turns.append(segments)


def _taken_before_final(fold: _Fold, record: Record, event: UserTurn) -> list[_Segment]:
    """Make a segment of pending words that the agent took; a final that still comes replaces them."""
    keys = [key for key in fold.pending if key[0] == event.participant]
    if not keys:
        return []
    pending = [fold.pending.pop(key) for key in keys]
    newest = pending[-1].speech
    speech = UserFinal(
        participant=event.participant,
        text=event.text,
        stream=newest.stream,
        turn_order=newest.turn_order,
        words=newest.words if len(pending) == 1 else (),
        speaker=newest.speaker,
        language=newest.language,
        confidence=newest.confidence,
        started_ms=pending[0].speech.started_ms,
        ended_ms=newest.ended_ms,
    )
    segment = _Segment(pending[0].seq, pending[0].ms, record.ms, speech)
    if newest.turn_order is not None:
        fold.final[keys[-1]] = segment
    return [segment]


def _better(known: UserSpeech, other: UserFinal) -> UserSpeech:
    """Of two finals of one turn: the formatted one, else the later."""
    return known if isinstance(known, UserFinal) and known.formatted and not other.formatted else other


def _drafts(segments: list[_Segment], fold: _Fold) -> list[Draft]:
    by_speaker = groupby(segments, key=lambda segment: _speaker(segment, fold))
    return [_draft(list(group), fold) for _, group in by_speaker]


def _speaker(segment: _Segment, fold: _Fold) -> str | None:
    return fold.speakers.get(_key(segment.speech), segment.speech.speaker)


def _draft(segments: list[_Segment], fold: _Fold, unfinished: bool = False) -> Draft:
    first, last = segments[0], segments[-1]
    speeches = [segment.speech for segment in segments]
    words = tuple(word for speech in speeches for word in speech.words)
    starts = [word.start_ms for word in words if word.start_ms is not None]
    ends = [word.end_ms for word in words if word.end_ms is not None]
    started = first.speech.started_ms
    ended = last.speech.ended_ms
    if started is None:
        started = starts[0] if starts else first.ms
    if ended is None:
        ended = ends[-1] if ends else last.last_ms
    event = first.speech
    return Draft(
        seq=first.seq,
        role="user",
        participant=event.participant,
        text=join(speech.text.strip() for speech in speeches),
        started_ms=started,
        ended_ms=ended,
        words=words,
        confidence=_confidence(speeches),
        unfinished=unfinished,
        speaker=_speaker(first, fold),
        language=next((speech.language for speech in speeches if speech.language), None),
        source=event.source if isinstance(event, UserFinal) else "speech",
    )


def _confidence(speeches: list[UserSpeech]) -> float | None:
    given = [speech.confidence for speech in speeches if speech.confidence is not None]
    if not given:
        words = (word for speech in speeches for word in speech.words)
        given = [word.confidence for word in words if word.confidence is not None]
    return round(fmean(given), 4) if given else None
