"""The transcript as Markdown (CommonMark). Nothing in a name or a text becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from worker.transcript.model import Transcript, Turn
from worker.transcript.render import wording

MARKUP = re.compile(r"([\\`*_\[\]~|#])")
"""What begins markup within a line. What does so at the beginning of a line never stands there."""


def render(transcript: Transcript) -> str:
    """Return the transcript as Markdown, with a line feed at the end."""
    return "\n\n".join(_blocks(transcript)) + "\n"


def _blocks(transcript: Transcript) -> Iterator[str]:
    labels = wording.names(transcript)
    yield f"# Room {_plain(transcript.room.name)}"
    yield "\n".join(
        [
            f"- Agent: {_plain(transcript.agent)}",
            f"- Date: {wording.date(transcript)}",
            f"- Duration: {wording.clock(transcript.ended.ms)}",
            f"- Participants: {_plain(', '.join(labels.values())) or 'none'}",
            f"- Ended: {_plain(wording.reason(transcript))}",
            f"- Transcript: {wording.completeness(transcript)}",
        ]
    )
    gaps = list(transcript.gaps)
    for turn in transcript.turns:
        while gaps and gaps[0].from_ms <= turn.started_ms:
            yield f"> {_plain(wording.gap(gaps.pop(0), labels))}"
        yield _turn(turn, labels)
    for gap in gaps:
        yield f"> {_plain(wording.gap(gap, labels))}"


def _turn(turn: Turn, labels: Mapping[str, str]) -> str:
    pieces = [
        f"**{wording.clock(turn.started_ms)} {_plain(wording.speaker(turn, labels))}:**",
        _plain(turn.text),
    ]
    if marks := wording.marks(turn):
        pieces.append(f"*{marks}*")
    if turn.unplayed_text:
        pieces.append(f"*not played:* {_plain(turn.unplayed_text)}")
    return " ".join(piece for piece in pieces if piece)


def _plain(text: str) -> str:
    """Return `text` so that it shows as it is.

    Angle brackets and ampersands become entities, for renderers that take HTML and know no backslash there.
    """
    escaped = MARKUP.sub(r"\\\1", wording.one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
