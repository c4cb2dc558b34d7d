"""The transcript as JSON: `docs/reference/transcript.schema.json` describes it, `read` takes it back."""

from __future__ import annotations

import json

from worker.transcript.model import Transcript


def render(transcript: Transcript) -> str:
    """Return the transcript as indented JSON with every field, and a line feed."""
    content = transcript.model_dump(mode="json", by_alias=True)
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def read(content: str | bytes) -> Transcript:
    """Return the transcript that `render` wrote. Fields of a newer writer are passed over.

    Raises:
        pydantic.ValidationError: not a transcript.
    """
    return Transcript.model_validate_json(content)
