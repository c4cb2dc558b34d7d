"""The transcript as people and programs read it: one module a format, each with one `render`.

`FORMATS` names them by the extension of their file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from worker.transcript.model import Transcript
from worker.transcript.render import json, markdown, text

FORMATS: Mapping[str, Callable[[Transcript], str]] = {
    "json": json.render,
    "md": markdown.render,
    "txt": text.render,
}
