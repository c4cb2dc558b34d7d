"""The published schema is the model's."""

from pathlib import Path

from worker.transcript.schema import json_schema

PUBLISHED = Path(__file__).parents[2] / "docs/reference/transcript.schema.json"
RENEW = "python -m worker.transcript.schema > docs/reference/transcript.schema.json"


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == json_schema(), RENEW
