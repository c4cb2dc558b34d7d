"""When the scripted dialogue calls a tool, and with which arguments. Pure: text and schemas in, JSON out."""

import json
import re
from collections.abc import Sequence
from typing import Any

from standins.openai.requests import Function

NAME_WEIGHT = 2  # one word of a tool's name is enough to call it; of its description it takes two
ENOUGH = 2

# Words that say nothing about what a tool is for.
_COMMON = """
    a about after an and any are as at be been by call called caller can check do does find for from get give
    has have his her how i if in into is it its let look lookup make may me my new no not of on one or our
    please return returns say says set she should that the them their they this to tool up until us use used
    user users was we what when where which who will with would you your
"""
COMMON = frozenset(_COMMON.split())

DIGITS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip


def tool_for(text: str, functions: Sequence[Function], choice: str | dict[str, Any] | None) -> Function | None:
    """The tool that a sentence asks for.

    Args:
        text: What the user said.
        functions: The tools on offer.
        choice: The request's `tool_choice`: "none", "auto", "required", or a named function.

    Returns:
        The one whose name and description share most words with the sentence, if that is enough or a call
        is required; None otherwise.
    """
    if choice == "none" or not functions:
        return None
    if isinstance(choice, dict):
        wanted = choice.get("function", {}).get("name")
        return next((function for function in functions if function.name == wanted), None)
    said = _words(text)
    best = max(functions, key=lambda function: _score(said, function))
    return best if choice == "required" or _score(said, best) >= ENOUGH else None


def arguments_for(text: str, function: Function) -> str:
    """The call's arguments as a JSON object with a value for each property of the function's schema."""
    properties: dict[str, Any] = function.parameters.get("properties", {})
    return json.dumps({name: _value(text, name, schema) for name, schema in properties.items()})


def _score(said: set[str], function: Function) -> int:
    name = _words(re.sub(r"([a-z])([A-Z])", r"\1 \2", function.name).replace("_", " "))
    described = _words(function.description or "") - name
    return NAME_WEIGHT * len(said & name) + len(said & described)


def _words(text: str) -> set[str]:
    """The words that carry a meaning, without plural and third-person endings."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {word.removesuffix("s") for word in words if word not in COMMON}


def _value(text: str, name: str, schema: dict[str, Any]) -> Any:
    """A value of the schema's type, taken from the sentence where it has one."""
    if schema.get("enum"):
        return next((one for one in schema["enum"] if str(one).lower() in text.lower()), schema["enum"][0])
    types = schema.get("type") or [option.get("type") for option in schema.get("anyOf", [])]
    kind = types if isinstance(types, str) else next((one for one in types if one != "null"), "string")
    digits = _digits(text)
    if kind == "integer":
        return int(digits or 0)
    if kind == "number":
        return float(digits or 0)
    if kind == "boolean":
        return True
    if kind == "array":
        return []
    if kind == "object":
        return {}
    return digits if digits and re.search(r"number|code|id$|digits", name.lower()) else text


def _digits(text: str) -> str:
    """The longest number in a sentence, spoken digit by digit or written; "" if there is none."""
    spelled = [DIGITS.get(word, word) for word in re.findall(r"[a-z0-9]+", text.lower())]
    runs = "".join(word if word.isdigit() else " " for word in spelled).split()
    return max(runs, key=len, default="")
