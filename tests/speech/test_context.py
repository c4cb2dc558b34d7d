"""A long conversation fits into its requests, tools whole, and what is too old is summarised or left out."""

import asyncio
import json

import pytest
from livekit.agents import APIConnectionError, llm

from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder
from tests.speech.scripted_llm import ScriptedLLM
from worker.speech.context import ContextWindow, Overflow, cut_for, tokens
from worker.speech.llm import WriteAheadLLM

INSTRUCTIONS = llm.ChatMessage(role="system", content=["You take orders."])
SUMMARY = [llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content="Ada ordered two pizzas."))]


def asks(number: int, size: int = 60) -> llm.ChatMessage:
    return llm.ChatMessage(role="user", content=[f"{number} " + "x" * size])


def answers(number: int, size: int = 60) -> llm.ChatMessage:
    return llm.ChatMessage(role="assistant", content=[f"{number} " + "y" * size])


def tool(number: int) -> list[llm.ChatItem]:
    call = llm.FunctionCall(call_id=f"call-{number}", name="order", arguments='{"pizzas": 2}')
    return [call, llm.FunctionCallOutput(call_id=call.call_id, name="order", output="ordered", is_error=False)]


def conversation(turns: int) -> list[llm.ChatItem]:
    items: list[llm.ChatItem] = []
    for number in range(turns):
        items += [asks(number), *(tool(number) if number % 3 == 0 else []), answers(number)]
    return items


def whole_tools(items: list[llm.ChatItem]) -> bool:
    called = [item.call_id for item in items if isinstance(item, llm.FunctionCall)]
    returned = [item.call_id for item in items if isinstance(item, llm.FunctionCallOutput)]
    return called == returned


def window(most: int, overflow: Overflow = "truncate", *, model: llm.LLM | None = None) -> ContextWindow:  # type: ignore[type-arg]
    return ContextWindow(most, overflow, model or ScriptedLLM())


async def settled(fitting: ContextWindow) -> None:
    """Wait until the summary is written."""
    assert fitting._summarising is not None
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait({fitting._summarising})


def test_a_short_conversation_is_sent_as_it_is() -> None:
    items = [INSTRUCTIONS, *conversation(5)]
    assert window(1000).fit(llm.ChatContext(items)).items == items


@pytest.mark.parametrize("most", [1000, 4000])
def test_every_request_of_a_call_of_three_hours_fits_and_keeps_tools_whole(most: int) -> None:
    fitting, everything = window(most), [INSTRUCTIONS, *conversation(1500)]
    first: set[str] = set()
    for end in range(2, len(everything), 29):
        items = fitting.fit(llm.ChatContext(everything[:end])).items
        assert tokens(items) <= most
        assert items[0] == INSTRUCTIONS
        assert items[-1] == everything[end - 1]
        assert whole_tools(items) or isinstance(items[-1], llm.FunctionCall)
        first.add(items[1].id)
    # The beginning stays for many requests, as services keep a beginning that they know at hand.
    assert len(first) < len(everything) // 29 // 2 if most == 4000 else len(everything)


def test_what_the_caller_said_last_stays_however_long_it_is() -> None:
    last = [asks(2, size=9000), *tool(2)]
    items = window(1000).fit(llm.ChatContext([INSTRUCTIONS, *conversation(2), *last])).items
    assert items == [INSTRUCTIONS, *last]


def test_a_result_is_not_separated_from_its_call_by_what_was_said_meanwhile() -> None:
    call, output = tool(1)
    items = [asks(0), call, asks(1), output, answers(1), asks(2), answers(2)]
    assert cut_for(items, tokens(items) - 1) == 5


@pytest.mark.parametrize("text", ["Two pizzas and a salad, please.", "ピザを二枚お願いします。", "أريد بيتزا من فضلك."])
def test_tokens_are_rather_estimated_too_many(text: str) -> None:
    # More than one to four bytes of English, to one character of Japanese and to two of Arabic.
    least = {"T": len(text) // 4, "ピ": len(text) - 1, "أ": len(text) // 2}[text[0]]
    assert tokens([llm.ChatMessage(role="user", content=[text])]) >= least


# --- summaries


async def test_the_oldest_part_is_summarised_while_requests_still_fit() -> None:
    model = ScriptedLLM(SUMMARY)
    fitting, items = window(1000, "summarise", model=model), [INSTRUCTIONS, *conversation(13)]
    assert 800 < tokens(items) <= 1000
    assert fitting.fit(llm.ChatContext(items)).items == items
    await settled(fitting)
    (request,) = model.requests
    assert "call-" not in request["user"][0] and "tool order called with" in request["user"][0]
    sent = fitting.fit(llm.ChatContext(items)).items
    assert sent[0] == INSTRUCTIONS
    assert isinstance(sent[1], llm.ChatMessage) and "Ada ordered two pizzas." in (sent[1].text_content or "")
    assert sent[2:] == items[-len(sent[2:]) :]
    assert whole_tools(sent)
    await fitting.aclose()


async def test_a_summary_is_summarised_again() -> None:
    model = ScriptedLLM(SUMMARY, SUMMARY)
    fitting, everything = window(1000, "summarise", model=model), [INSTRUCTIONS, *conversation(40)]
    for end in range(1, len(everything), 3):
        fitting.fit(llm.ChatContext(everything[:end]))
        if fitting._summarising is not None:
            await settled(fitting)
        if len(model.requests) == 2:
            break
    assert "Ada ordered two pizzas." in model.requests[1]["user"][0]


async def test_without_a_summary_the_oldest_part_is_left_out() -> None:
    model = ScriptedLLM(APIConnectionError("4711", retryable=False))
    fitting, items = window(1000, "summarise", model=model), [INSTRUCTIONS, *conversation(13)]
    fitting.fit(llm.ChatContext(items))
    await settled(fitting)
    sent = fitting.fit(llm.ChatContext(items)).items
    assert len(sent) < len(items)
    assert sent == [INSTRUCTIONS, *items[-len(sent) + 1 :]]


async def test_a_summary_that_hangs_holds_nothing_up_and_ends_with_the_call() -> None:
    fitting, everything = window(1000, "summarise", model=ScriptedLLM(None)), [INSTRUCTIONS, *conversation(60)]
    for end in range(2, len(everything)):
        assert tokens(fitting.fit(llm.ChatContext(everything[:end])).items) <= 1000
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await fitting.aclose()


def test_an_agent_with_a_conversation_of_its_own_is_told_nothing_of_the_other() -> None:
    fitting = window(1000)
    fitting.fit(llm.ChatContext([INSTRUCTIONS, *conversation(60)]))
    own = [INSTRUCTIONS, asks(1), answers(1)]
    assert fitting.fit(llm.ChatContext(own)).items == own


async def test_the_wrapper_sends_what_fits(recorder: MemoryRecorder) -> None:
    model = ScriptedLLM([])
    wrapper = WriteAheadLLM(model, recorder, window(1000, model=model))
    async with wrapper.chat(chat_ctx=llm.ChatContext([INSTRUCTIONS, *conversation(60)])) as stream:
        async for _ in stream:
            pass
    (request,) = model.requests
    assert tokens(request["chat_ctx"].items) <= 1000
    assert json.dumps(request["user"][-1]).startswith('"59 ')
    await wrapper.aclose()
