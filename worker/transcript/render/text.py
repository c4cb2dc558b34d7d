"""The transcript as plain text: one line a turn. No text can begin a line of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from worker.transcript.model import Transcript, Turn
from worker.transcript.render import wording


def render(transcript: Transcript) -> str:
    """Return the transcript as text, with a line feed at the end."""
    return "\n".join(_lines(transcript)) + "\n"


def _lines(transcript: Transcript) -> Iterator[str]:
    labels = wording.names(transcript)
    yield f"Room:         {wording.one_line(transcript.room.name)}"
    yield f"Agent:        {wording.one_line(transcript.agent)}"
    yield f"Date:         {wording.date(transcript)}"
    yield f"Duration:     {wording.clock(transcript.ended.ms)}"
    yield f"Participants: {', '.join(labels.values()) or 'none'}"
    yield f"Ended:        {wording.one_line(wording.reason(transcript))}"
    yield f"Transcript:   {wording.completeness(transcript)}"
    yield ""
    gaps = list(transcript.gaps)
    for turn in transcript.turns:
        while gaps and gaps[0].from_ms <= turn.started_ms:
            yield f"--- {wording.gap(gaps.pop(0), labels)} ---"
        yield _turn(turn, labels)
    for gap in gaps:
        yield f"--- {wording.gap(gap, labels)} ---"


def _turn(turn: Turn, labels: Mapping[str, str]) -> str:
    pieces = [
        f"[{wording.clock(turn.started_ms)}] {wording.speaker(turn, labels)}:",
        wording.one_line(turn.text),
        wording.marks(turn),
    ]
    if turn.unplayed_text:
        pieces.append(f"[not played: {wording.one_line(turn.unplayed_text)}]")
    return " ".join(piece for piece in pieces if piece)
