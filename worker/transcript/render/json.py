"""The transcript as JSON: `docs/reference/transcript.schema.json` describes it, `read` takes it back."""

from __future__ import annotations

import json

from worker.transcript.model import Transcript


def render(transcript: Transcript) -> str:
    """Return the transcript as indented JSON with every field that it always has, and a line feed."""
    content = transcript.model_dump(mode="json", by_alias=True)
    if transcript.previous is None:  # most have none, and were stored without the field before there was one
        del content["previous"]
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def read(content: str | bytes) -> Transcript:
    """Return the transcript that `render` wrote. Fields of a newer writer are passed over.

    Raises:
        pydantic.ValidationError: not a transcript.
    """
    return Transcript.model_validate_json(content)
