"""What a setting must be, in words, and what is wrong with a value that is not."""

from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from config.settings import KEYS, Key
from config.values import WORDS


def sentence(error: ErrorDetails, origin: str) -> str:
    """Return what is wrong with a value and what to do. The value itself is never repeated.

    Args:
        error: pydantic's finding about the field `error["loc"][1]` of the section `error["loc"][0]`.
        origin: Where the value comes from.
    """
    key = KEYS[f"{error['loc'][0]}.{error['loc'][1]}"]
    if error["type"] == "setting":
        return f"{key.path} {error['msg']} ({origin})."
    remedy = "; write texts between quotes" if error["type"] == "string_type" else ""
    return f"{key.path} must be {expectation(key)} ({origin}){remedy}."


def expectation(key: Key) -> str:
    """Return what a setting accepts, such as `a whole number from 0 to 60000`."""
    return _in_words(_schema(key))


def _schema(key: Key) -> dict[str, Any]:
    schema: dict[str, Any] = _section_schema(key.owner)["properties"][key.name]
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    return choices[0] if choices else schema


@cache
def _section_schema(owner: Any) -> dict[str, Any]:
    schema: dict[str, Any] = owner.model_json_schema(by_alias=True)
    return schema


def _in_words(schema: dict[str, Any]) -> str:
    if WORDS in schema:
        return str(schema[WORDS])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _range(schema)
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        return _list(schema)
    return "a text" + (f" of at most {schema['maxLength']} characters" if "maxLength" in schema else "")


def _list(schema: dict[str, Any]) -> str:
    entries = schema.get("items", {})
    if "enum" in entries:
        return "a list out of " + ", ".join(map(str, entries["enum"]))
    return "a list of texts"


def _range(schema: dict[str, Any]) -> str:
    parts = []
    if "minimum" in schema and "maximum" in schema:
        parts.append(f"from {_number(schema['minimum'])} to {_number(schema['maximum'])}")
    else:
        for bound, words in (
            ("minimum", "not below"),
            ("exclusiveMinimum", "above"),
            ("maximum", "not above"),
            ("exclusiveMaximum", "below"),
        ):
            if bound in schema:
                parts.append(f"{words} {_number(schema[bound])}")
    return " " + " and ".join(parts) if parts else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
