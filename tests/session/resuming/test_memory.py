"""What an agent that goes on with a call is told of it."""

from typing import Any

import pytest
from livekit.agents import ChatContext

from tests.transcript.journals import part
from worker.session.resuming.memory import UNKNOWN, UNKNOWN_IDEMPOTENT, Memory, remember
from worker.transcript.events import (
    AgentChanged,
    AgentHeard,
    AgentSaid,
    AgentSentence,
    AgentState,
    Event,
    Note,
    PartEnded,
    ParticipantJoined,
    ToolCalled,
    ToolReturned,
    UserEarly,
    UserFinal,
)

ADA = ParticipantJoined(identity="ada")
NAME = UserFinal(participant="ada", text="My name is Ada.")
BOOK = ToolCalled(call="call_1", name="book", arguments='{"hour": 10}', key="AJ_1.1")
DONE = ToolReturned(call="call_1", name="book", output="It is booked.")
TOOLS = frozenset({"book"})


def memory_of(*events: tuple[int, Event]) -> Memory:
    memory = remember([part(*events)])
    assert memory is not None
    return memory


def told(context: ChatContext) -> list[Any]:
    """Each item as a short tuple."""
    found: list[Any] = []
    for item in context.items:
        match item.type:
            case "message":
                found.append((item.role, item.text_content))
            case "function_call":
                found.append(("call", item.name, item.arguments))
            case "function_call_output":
                found.append(("result", item.output, item.is_error))
    return found


def test_without_earlier_parts_there_is_nothing_to_remember() -> None:
    assert remember([]) is None


def test_what_both_sides_said_is_known_in_its_order() -> None:
    memory = memory_of((10, ADA), (1000, NAME), (2000, AgentSaid(text="Hello Ada.", speech="s")))
    assert told(memory.conversation((), ())) == [("user", "My name is Ada."), ("assistant", "Hello Ada.")]


def test_of_a_speech_that_was_cut_off_what_was_played_is_known() -> None:
    memory = memory_of(
        (10, AgentSentence(text="We are open from nine.", speech="s")),
        (20, AgentSentence(text="On Sunday we are closed.", speech="s")),
        (900, AgentHeard(text="We are open", speech="s")),
    )
    (said,) = memory.conversation((), ()).messages()
    assert (said.text_content, said.interrupted) == ("We are open", True)


def test_a_speech_of_which_nothing_was_played_is_not_known() -> None:
    memory = memory_of((10, NAME), (20, AgentSentence(text="Hello Ada.", speech="s")))
    assert told(memory.conversation((), ())) == [("user", "My name is Ada.")]


def test_words_that_were_never_finished_are_known_too() -> None:
    memory = memory_of((10, UserEarly(participant="ada", text="I would like", stream="st", turn_order=0)))
    assert told(memory.conversation((), ())) == [("user", "I would like")]


def test_a_tool_is_known_with_its_result() -> None:
    memory = memory_of((10, BOOK), (20, DONE))
    assert told(memory.conversation(TOOLS, ())) == [
        ("call", "book", '{"hour": 10}'),
        ("result", "It is booked.", False),
    ]
    assert memory.open_tools == ()


@pytest.mark.parametrize(("idempotent", "result"), [(frozenset(), UNKNOWN), (TOOLS, UNKNOWN_IDEMPOTENT)])
def test_a_tool_without_a_result_comes_back_as_unknown(idempotent: frozenset[str], result: str) -> None:
    memory = memory_of((10, BOOK))
    assert told(memory.conversation(TOOLS, idempotent))[1] == ("result", result, True)
    assert memory.open_tools == (BOOK,)


def test_calls_that_a_model_counted_alike_keep_their_own_results() -> None:
    again = [(30, BOOK), (40, ToolReturned(call="call_1", name="book", output="Another."))]
    items = memory_of((10, BOOK), (20, DONE), *again).conversation(TOOLS, ()).items
    calls = [item.call_id for item in items if item.type == "function_call"]
    results = {item.call_id: item.output for item in items if item.type == "function_call_output"}
    assert [results[call] for call in calls] == ["It is booked.", "Another."]


def test_remarks_are_for_the_reader_and_not_for_the_model() -> None:
    assert told(memory_of((10, NAME), (20, Note(text="consent given"))).conversation((), ())) == [
        ("user", "My name is Ada.")
    ]


BOOKING = AgentChanged(agent="booking", made_by="shop:Booking")


def test_after_a_hand_off_the_second_agent_is_known_with_its_own_state() -> None:
    memory = memory_of(
        (10, AgentState(agent="reception", state='{"of": "reception"}')),
        (20, BOOKING),
        (30, AgentState(agent="booking", state="1")),
        (40, AgentState(agent="booking", state="2")),
    )
    assert (memory.agent, memory.state) == (BOOKING, "2")


def test_a_state_of_the_agent_before_a_hand_off_is_not_the_next_ones() -> None:
    assert memory_of((10, AgentState(agent="reception", state="1")), (20, BOOKING)).state is None


def test_what_the_agent_before_did_with_tools_of_its_own_is_left_out() -> None:
    opening = ToolCalled(call="call_0", name="opening_hours")
    memory = memory_of((5, opening), (10, NAME), (20, BOOKING), (30, BOOK), (40, DONE))
    assert [each[0] for each in told(memory.conversation(TOOLS, ()))] == ["user", "call", "result"]


def test_an_agent_that_was_told_nothing_of_what_was_said_before_it_is_not_told_it_now() -> None:
    forgetful = AgentChanged(agent="booking", made_by="shop:Booking", remembers=False)
    later = UserFinal(participant="ada", text="At ten.")
    memory = memory_of((10, NAME), (20, forgetful), (30, later))
    assert told(memory.conversation(TOOLS, ())) == [("user", "At ten.")]


def test_all_parts_before_are_known_and_the_next_one_has_the_next_number() -> None:
    first = part((10, ADA), (20, NAME))
    second = part((10, ADA), (20, AgentSaid(text="I am back.", speech="s")), number=2, after_ms=60_000)
    memory = remember([second, first])
    assert memory is not None
    assert told(memory.conversation((), ())) == [("user", "My name is Ada."), ("assistant", "I am back.")]
    assert (memory.next_part, memory.job, memory.caller) == (3, "AJ_2", "ada")


def test_how_the_part_before_ended_is_known() -> None:
    assert memory_of((10, NAME)).ended.reason == "crashed"
    assert memory_of((10, NAME), (20, PartEnded(reason="caller_left"))).ended.reason == "caller_left"
