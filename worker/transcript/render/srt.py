"""The transcript as SubRip captions (`.srt`), for video players and editors. What was not played is not in it.

The format knows neither speakers nor remarks: a turn begins with its speaker's name, and time of which words may
be missing shows a caption that says so. Source: SubRip; there is no standard, this is what players share.
"""

from __future__ import annotations

from worker.transcript.model import Transcript, TranscriptGap
from worker.transcript.render.captions import LINE_LENGTH, Caption, captions_of, in_order

GAP = ("[words may", "be missing]")
GAP_MS = 3000
"""How long that is shown, unless the gap is shorter."""

WORD_JOINER = "\u2060"
"""Takes no room and no place in the text; after it, what would be taken for markup is not."""


def render(transcript: Transcript, line_length: int = LINE_LENGTH) -> str:
    """Return the captions, each followed by an empty line; nothing if nothing was said.

    `line_length` is in columns, as displayed.
    """
    captions = captions_of(transcript, line_length, named=True)
    captions += [_gap(gap) for gap in transcript.gaps]
    return "".join(_cue(number, caption) for number, caption in enumerate(in_order(captions), start=1))


def _gap(gap: TranscriptGap) -> Caption:
    latest = gap.from_ms + GAP_MS
    return Caption(gap.from_ms, latest if gap.to_ms is None else min(gap.to_ms, latest), "", GAP)


def _cue(number: int, caption: Caption) -> str:
    times = f"{_time(caption.started_ms)} --> {_time(caption.ended_ms)}"
    return "\n".join([str(number), times, *map(_plain, caption.lines)]) + "\n\n"


def _time(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"


def _plain(text: str) -> str:
    """Return `text` so that no player takes it for a time, a tag or a style: SubRip has no escapes."""
    for markup in ("-->", "<", "{"):
        text = text.replace(markup, markup[0] + WORD_JOINER + markup[1:])
    return text
