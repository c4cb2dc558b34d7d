"""The words that were spoken (or typed) as captions: a line or two each, with the time at which they were said.

Times come from the recogniser's words; where there are none, a turn's time is shared out by the length of its
text. Captions of one voice follow one another; those of two voices may overlap, as the voices did.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from worker.transcript.model import Transcript, Turn
from worker.transcript.render import wording
from worker.transcript.render.line_breaking import clipped, pieces
from worker.transcript.render.pacing import Pace, letters

LINE_LENGTH = 32
"""Display columns: what captions of broadcasts have, and AssemblyAI's export."""
LINES = 2
"""At most, of a caption."""
SHORTEST_MS = 1000
"""A caption stays for as long, unless the next one comes earlier."""
PAUSE_MS = 2000
"""A silence within a turn that ends a caption: what follows is not shown before it is said."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What is shown at one time."""

    started_ms: int
    ended_ms: int
    """At least 1 ms later."""
    voice: str
    """Who speaks; one line."""
    lines: tuple[str, ...]
    is_typed: bool = False
    """Typed while the voice may have gone on."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    first: int
    """Letters of the turn that were said before it."""
    last: int
    """Letters of the turn up to its end."""


def captions_of(transcript: Transcript, line_length: int, named: bool) -> list[Caption]:
    """Return everything that users and the agent said, turn by turn; `in_order` makes it fit to be shown.

    Args:
        transcript: what was said.
        line_length: columns of a line, as displayed.
        named: whether the first caption of each turn begins with the speaker's name.
    """
    labels = wording.names(transcript)
    return [
        caption
        for turn in transcript.turns
        if turn.role in {"user", "agent"} and wording.one_line(turn.text)
        for caption in _captions(turn, wording.voice(turn, labels), line_length, named)
    ]


def in_order(captions: Iterable[Caption]) -> list[Caption]:
    """Return captions in the order of their beginning, none over another of its voice, each shown long enough."""
    placed: list[Caption] = []
    newest: dict[tuple[str, bool], int] = {}
    """Place of the last one of each voice, spoken and typed."""
    for caption in sorted(captions, key=lambda caption: caption.started_ms):
        started = caption.started_ms
        track = caption.voice, caption.is_typed
        if track in newest:
            before = placed[newest[track]]
            started = max(started, before.started_ms + 1)
            placed[newest[track]] = replace(before, ended_ms=min(before.ended_ms, started))
        newest[track] = len(placed)
        placed.append(replace(caption, started_ms=started, ended_ms=max(caption.ended_ms, started + 1)))
    placed.sort(key=lambda caption: caption.started_ms)
    starts = [caption.started_ms for caption in placed]
    return [_readable(caption, starts) for caption in placed]


def _readable(caption: Caption, starts: Sequence[int]) -> Caption:
    """Return `caption` so that it stays long enough, but not into one that begins later; `starts` are sorted."""
    until = caption.started_ms + SHORTEST_MS
    later = bisect_right(starts, caption.started_ms)
    if later < len(starts):
        until = min(until, starts[later])
    return replace(caption, ended_ms=max(caption.ended_ms, until))


def _captions(turn: Turn, voice: str, line_length: int, named: bool) -> Iterator[Caption]:
    pace = Pace(turn)
    marks = [f"{clipped(voice, line_length // 2)}:"] if named else []
    is_typed = turn.source == "chat"
    marks += ["(typed)"] if is_typed else []
    for lines in _lines(" ".join(marks), _text(turn), line_length, pace):
        for place in range(0, len(lines), LINES):
            shown = lines[place : place + LINES]
            started, ended = pace.start(shown[0].first), pace.end(shown[-1].last)
            text = tuple(line.text for line in shown)
            yield Caption(started, max(ended, started + 1), voice, text, is_typed)


def _text(turn: Turn) -> str:
    """Return what was said, and how it ended."""
    text = wording.one_line(turn.text)
    if turn.interrupted:
        return text + "—"
    return text + "…" if turn.unfinished else text


def _lines(marks: str, text: str, line_length: int, pace: Pace) -> Iterator[list[_Line]]:
    """Yield the lines between one pause and the next. `marks` begin the first line, and take no time."""
    lines: list[_Line] = []
    line, columns = "", 0
    first = said = 0
    silent = [(piece, 0) for piece in pieces(marks, line_length)]
    for piece, count in [*silent, *((piece, letters(piece.text)) for piece in pieces(text, line_length))]:
        space = " " if line and piece.is_spaced else ""
        is_after_pause = count > 0 and said > 0 and pace.pause(said) > PAUSE_MS
        if line and (is_after_pause or columns + len(space) + piece.width > line_length):
            lines.append(_Line(line, first, said))
            line, columns, first, space = "", 0, said, ""
            if is_after_pause:
                yield lines
                lines = []
        line += space + piece.text
        columns += len(space) + piece.width
        said += count
    yield [*lines, _Line(line, first, said)]
