"""The published JSON Schema of a transcript.

`python -m worker.transcript.schema > docs/reference/transcript.schema.json` renews the file.
"""

from __future__ import annotations

import json
import sys

from worker.transcript.model import Transcript

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> str:
    """Return the schema as the text of its file."""
    schema = {"$schema": DIALECT, **Transcript.model_json_schema(mode="serialization")}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
