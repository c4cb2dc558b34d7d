"""The transcript as people and programs read it: one module a format, each with one `render`.

`FORMATS` names them by the extension of their file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from worker.transcript.model import Transcript
from worker.transcript.render import json, markdown, srt, text, vtt

Render = Callable[[Transcript], str]
"""Returns the content of a file."""

FORMATS: Mapping[str, Render] = {
    "json": json.render,
    "md": markdown.render,
    "txt": text.render,
    "srt": srt.render,
    "vtt": vtt.render,
}
"""Every format, as it is without an operator's wishes."""


def formats(names: Iterable[str], caption_line_length: int) -> dict[str, Render]:
    """Return the formats called `names`, with captions of at most so many columns a line, as displayed."""
    captions = {
        "srt": partial(srt.render, line_length=caption_line_length),
        "vtt": partial(vtt.render, line_length=caption_line_length),
    }
    return {name: captions.get(name, FORMATS[name]) for name in names}
