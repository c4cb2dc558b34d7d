"""A tool that a crash cut off gets the key again that it had; every other call gets one of its own."""

from livekit.agents import Agent, RunContext, function_tool

from worker.session.resuming.idempotency import IdempotencyKeys, idempotent, idempotent_names, tool_names
from worker.transcript.events import ToolCalled

CUT_OFF = ToolCalled(call="call_1", name="book", arguments='{"day": "Monday", "hour": 10}', key="AJ_1.1")


def test_a_call_that_was_cut_off_and_is_made_again_has_its_key() -> None:
    keys = IdempotencyKeys("AJ_2", [CUT_OFF])
    assert keys.begin("call_7", "book", '{"hour":10,"day":"Monday"}') == "AJ_1.1"
    assert keys.of("call_7") == "AJ_1.1"


def test_a_second_call_of_the_same_kind_is_another_one() -> None:
    keys = IdempotencyKeys("AJ_2", [CUT_OFF])
    assert keys.begin("call_7", "book", CUT_OFF.arguments) == "AJ_1.1"
    assert keys.begin("call_8", "book", CUT_OFF.arguments) == "AJ_2.2"


def test_other_arguments_and_other_tools_have_keys_of_their_own() -> None:
    keys = IdempotencyKeys("AJ_2", [CUT_OFF])
    assert keys.begin("call_7", "book", '{"day": "Monday", "hour": 11}') == "AJ_2.1"
    assert keys.begin("call_8", "cancel", CUT_OFF.arguments) == "AJ_2.2"


def test_calls_that_a_model_counted_alike_have_keys_of_their_own() -> None:
    keys = IdempotencyKeys("AJ_1")
    assert keys.begin("call_1", "book", "{}") != keys.begin("call_1", "book", "{}")


def test_the_mark_is_seen_above_and_below_the_frameworks_own_decorator() -> None:
    class Booking(Agent):
        def __init__(self) -> None:
            super().__init__(instructions="")

        @function_tool
        @idempotent
        async def below(self, context: RunContext) -> None:
            """Below."""

        @idempotent
        @function_tool
        async def above(self, context: RunContext) -> None:
            """Above."""

        @function_tool
        async def unmarked(self, context: RunContext) -> None:
            """Not marked."""

    tools = Booking().tools
    assert idempotent_names(tools) == {"below", "above"}
    assert tool_names(tools) == {"below", "above", "unmarked"}
