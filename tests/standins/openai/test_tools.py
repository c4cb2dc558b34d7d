"""Which tool a sentence asks for, and the arguments that it gets."""

import json
from typing import Any

import pytest

from standins.openai.requests import Function
from standins.openai.tools import arguments_for, tool_for

ORDER = Function(name="lookup_order", description="Find an order by its number.")
END = Function(name="endCall", description="Hangs up after the goodbye.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Where is my order?", ORDER), ("Please end it.", END), ("Tell me a joke.", None), ("Goodbye.", None)],
)
def test_one_word_of_the_name_is_enough_and_one_of_the_description_is_not(text: str, expected: Function | None) -> None:
    assert tool_for(text, [ORDER, END], None) is expected


def test_a_required_call_takes_the_best_tool_and_a_named_one_that_tool() -> None:
    assert tool_for("Tell me a joke.", [ORDER, END], "required") is ORDER
    named = {"type": "function", "function": {"name": "endCall"}}
    assert tool_for("Where is my order?", [ORDER, END], named) is END


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, 4729),
        ({"type": "number"}, 4729.0),
        ({"type": "boolean"}, True),
        ({"type": "string", "enum": ["blue", "red"]}, "red"),
        ({"type": ["string", "null"]}, "The red one, number four seven two nine."),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 4729),
        ({"type": "array", "items": {}}, []),
    ],
)
def test_an_argument_has_the_type_that_the_schema_asks_for(schema: dict[str, Any], expected: Any) -> None:
    function = Function(name="f", parameters={"properties": {"value": schema}})
    arguments = json.loads(arguments_for("The red one, number four seven two nine.", function))
    assert arguments == {"value": expected}


def test_a_number_written_as_a_string_keeps_its_digits() -> None:
    function = Function(name="f", parameters={"properties": {"order_number": {"type": "string"}}})
    assert json.loads(arguments_for("It is zero zero seven.", function)) == {"order_number": "007"}
