"""What a service answered, or why it did not."""

import json
from typing import Any


def fields_of(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object in `text`, an empty one if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def reason_of(error: BaseException, seconds: float) -> str:
    """Return in a few words why a service could not be reached within `seconds`."""
    if isinstance(error, TimeoutError):
        return f"no answer in {seconds:.0f} s"
    return getattr(error, "strerror", None) or type(error).__name__
