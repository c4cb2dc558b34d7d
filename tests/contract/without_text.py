"""A frame of the wire without its text: field names, types and counts stay, words and keys do not. Pure.

A text becomes `"text"` or, empty, `"no text"`; a number `"number"`; a list its length and the distinct forms
of its entries. Truth values stay, and so do the few numbers and words of the protocol itself that are named here.
"""

import re
from typing import Any

TEXT, NO_TEXT, NUMBER = "text", "no text", "number"

PROTOCOL_WORDS = frozenset({"type", "object", "role", "finish_reason", "code"})
"""Fields whose value is a word of the protocol (`Turn`, `chat.completion.chunk`, `stop`), never of a person."""

MEASURES = frozenset(
    {
        "audio_duration_seconds",
        "completion_tokens",
        "end_of_turn_confidence",
        "error_code",
        "input_tokens",
        "output_tokens",
        "prompt_tokens",
        "session_duration_seconds",
        "timestamp",
        "total_tokens",
        "turn_order",
    }
)
"""Fields whose number is kept, outside of lists: a list of numbers may spell a text."""

_PROTOCOL_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,40}")
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


def without_text(frame: Any) -> Any:
    """Return the form of a frame, as JSON data.

    Args:
        frame: JSON data as it came over the wire.
    """
    return _form(frame, name="", in_list=False)


def _form(value: Any, *, name: str, in_list: bool) -> Any:
    match value:
        case bool() | None:
            return value
        case int() | float():
            return value if name in MEASURES and not in_list else NUMBER
        case str():
            if name in PROTOCOL_WORDS and _PROTOCOL_WORD.fullmatch(value):
                return value
            return TEXT if value else NO_TEXT
        case list():
            forms = [_form(entry, name="", in_list=True) for entry in value]
            distinct = [form for place, form in enumerate(forms) if form not in forms[:place]]
            return {"count": len(forms), "each": distinct}
        case dict():
            # A name that is no field's name may itself be a text: a mapping from words to numbers, for instance.
            named = {str(key): entry for key, entry in value.items() if _FIELD_NAME.fullmatch(str(key))}
            form = {key: _form(entry, name=key, in_list=in_list) for key, entry in named.items()}
            return form if len(named) == len(value) else {**form, "(other names)": len(value) - len(named)}
    return f"({type(value).__name__})"
