"""The transcript as WebVTT captions (`.vtt`), for browsers. What was not played is not in it.

Each caption names its voice; time of which words may be missing is a note, which players do not show.
Source: WebVTT, W3C.
"""

from __future__ import annotations

from collections.abc import Iterator

from worker.transcript.model import Transcript
from worker.transcript.render import wording
from worker.transcript.render.captions import LINE_LENGTH, Caption, captions_of, in_order


def render(transcript: Transcript, line_length: int = LINE_LENGTH) -> str:
    """Return the captions as WebVTT, with a line feed at the end; `line_length` is in columns, as displayed."""
    return "\n\n".join(_blocks(transcript, line_length)) + "\n"


def _blocks(transcript: Transcript, line_length: int) -> Iterator[str]:
    labels = wording.names(transcript)
    yield "WEBVTT"
    yield f"NOTE Transcript: {wording.completeness(transcript)}"
    gaps = list(transcript.gaps)
    for caption in in_order(captions_of(transcript, line_length, named=False)):
        while gaps and gaps[0].from_ms <= caption.started_ms:
            yield f"NOTE {_plain(wording.gap(gaps.pop(0), labels))}"
        yield _cue(caption)
    for gap in gaps:
        yield f"NOTE {_plain(wording.gap(gap, labels))}"


def _cue(caption: Caption) -> str:
    times = f"{_time(caption.started_ms)} --> {_time(caption.ended_ms)}"
    return f"{times}\n<v {_plain(caption.voice)}>" + "\n".join(map(_plain, caption.lines))


def _time(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _plain(text: str) -> str:
    """Return `text` so that it shows as it is. Without `>` no text is an arrow between times either."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
