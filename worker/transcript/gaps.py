"""Everything that may be missing from a transcript, as gaps that a reader sees.

A session without gaps is complete. The sentences never quote what was said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from worker.transcript.events import EVENT_OF_KIND, Gap, PartEnded
from worker.transcript.model import TranscriptGap
from worker.transcript.people import untranscribed_gaps
from worker.transcript.timeline import PartTimeline

CRASHED = "the worker died; what was said after its last record is not known"


def gaps_of(parts: Sequence[PartTimeline], from_segments: Collection[str] = ()) -> list[TranscriptGap]:
    """Return the gaps of a session in the order of their beginning.

    Args:
        parts: all of its parts.
        from_segments: jobs of those whose own journal was not read.
    """
    gaps = [gap for part in parts for gap in _within(part, is_last=part is parts[-1])]
    gaps += [gap for before, after in pairwise(parts) for gap in _between(before, after)]
    gaps += _missing(parts)
    gaps += [gap for part in parts if part.started.job in from_segments for gap in _unsent(part, part is parts[-1])]
    gaps += untranscribed_gaps(parts)
    if parts[-1].ended.reason == "crashed":
        gaps.append(TranscriptGap(from_ms=parts[-1].last_ms, reason=CRASHED))
    return sorted(gaps, key=lambda gap: gap.from_ms)


def _within(part: PartTimeline, is_last: bool) -> Iterable[TranscriptGap]:
    written: dict[tuple[int, str, str | None], Gap] = {}
    """The newest of each beginning, reason and participant: a gap is written open first, and closed once it is over."""
    for record in part.records:
        if isinstance(record.event, Gap):
            written[record.event.from_ms, record.event.reason, record.event.participant] = record.event
        elif record.event is None and record.kind in EVENT_OF_KIND:
            ms = part.offset + record.ms
            reason = f"a journal line of kind {record.kind} could not be understood"
            yield TranscriptGap(from_ms=ms, to_ms=ms, reason=reason)
    for gap in written.values():
        from_ms = max(0, part.offset + gap.from_ms)
        to_ms = None if is_last else part.ended.ms
        if gap.to_ms is not None:
            to_ms = part.offset + gap.to_ms
        if to_ms is not None:
            to_ms = max(from_ms, to_ms)
        yield TranscriptGap(from_ms=from_ms, to_ms=to_ms, reason=gap.reason, participant=gap.participant)
    if part.reading.stop is not None and not part.reading.torn:
        reason = f"the journal of part {part.started.part} is unreadable from {part.reading.stop}"
        yield TranscriptGap(from_ms=part.last_ms, reason=reason)


def _unsent(part: PartTimeline, is_last: bool) -> Iterable[TranscriptGap]:
    """Yield what only the node may have of a part that has not ended: what it writes down, it sends seconds later."""
    if not any(isinstance(record.event, PartEnded) for record in part.records):
        reason = (
            f"part {part.started.part} was finished from what its node had sent to the store; "
            "what the node wrote after that is not here"
        )
        yield TranscriptGap(from_ms=part.last_ms, to_ms=None if is_last else part.last_ms, reason=reason)


def _between(before: PartTimeline, after: PartTimeline) -> Iterable[TranscriptGap]:
    """Nobody listened between two parts, unless the second was there before the first had gone."""
    numbers = f"part {before.started.part} and part {after.started.part}"
    ended = before.ended
    if after.offset > ended.ms:
        reason = f"nobody listened between {numbers}"
        yield TranscriptGap(from_ms=ended.ms, to_ms=after.offset, reason=reason)
    elif ended.reason == "crashed":
        yield TranscriptGap(from_ms=ended.ms, to_ms=ended.ms, reason=CRASHED)


def _missing(parts: Sequence[PartTimeline]) -> Iterable[TranscriptGap]:
    offset_of = {part.started.part: part.offset for part in parts}
    for before, after in pairwise(sorted({0} | {number for number in offset_of if number > 0})):
        if after > before + 1:
            first, last = before + 1, after - 1
            which = f"part {first} is" if first == last else f"parts {first} to {last} are"
            ms = offset_of[after]
            yield TranscriptGap(from_ms=ms, to_ms=ms, reason=f"{which} missing")
