"""The LiveKit plugins that the worker uses, unchanged but for the address."""

from collections.abc import AsyncIterator

import openai as sdk
import pytest
from livekit.agents import APIConnectOptions, APIError, llm
from livekit.plugins import openai

from tests.parts.standins import Standin

ONCE = APIConnectOptions(max_retry=0, timeout=2)


@llm.function_tool
async def get_weather(city: str) -> str:
    """Looks up the weather.

    Args:
        city: Where.
    """
    return f"It rains in {city}."


@pytest.fixture
async def model(client: sdk.AsyncOpenAI) -> AsyncIterator[openai.LLM]:
    plugin = openai.LLM(model="gpt-4o-mini", client=client)
    yield plugin
    await plugin.aclose()


async def collect(stream: llm.LLMStream) -> llm.CollectedResponse:
    async with stream:
        return await stream.collect()


async def test_the_plugin_holds_a_conversation(model: openai.LLM) -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content="Be brief.")
    context.add_message(role="user", content="Where is my order?")
    answer = await collect(model.chat(chat_ctx=context, conn_options=ONCE))
    assert answer.text == "Your order left our store this morning. It should arrive on Friday."
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(answer.text.split())


async def test_the_plugin_receives_tool_calls_and_sends_their_results(model: openai.LLM) -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="What is the weather?")
    answer = await collect(model.chat(chat_ctx=context, tools=[get_weather], conn_options=ONCE))
    (call,) = answer.tool_calls
    assert (call.name, call.arguments) == ("get_weather", '{"city": "What is the weather?"}')
    context.items += [
        llm.FunctionCall(call_id=call.call_id, name=call.name, arguments=call.arguments),
        llm.FunctionCallOutput(call_id=call.call_id, name=call.name, output="It rains.", is_error=False),
    ]
    answer = await collect(model.chat(chat_ctx=context, tools=[get_weather], conn_options=ONCE))
    assert answer.text == "Here is what I found. It rains."


async def test_the_plugin_reports_a_fault(model: openai.LLM, openai_standin: Standin) -> None:
    openai_standin.set_fault("status", service="chat", status=401)
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Where is my order?")
    with pytest.raises(APIError):
        await collect(model.chat(chat_ctx=context, conn_options=ONCE))


@pytest.mark.needs("speech")
@pytest.mark.parametrize(
    ("name", "response_format"),
    [("gpt-4o-mini-tts", "mp3"), ("gpt-4o-mini-tts", "wav"), ("gpt-4o-mini-tts", "pcm"), ("tts-1", "pcm")],
)
async def test_the_plugin_plays_the_speech_in_every_form(
    client: sdk.AsyncOpenAI, openai_standin: Standin, name: str, response_format: str
) -> None:
    plugin = openai.TTS(model=name, voice="ash", client=client, response_format=response_format)
    async with plugin.synthesize("Your order left our store this morning.", conn_options=ONCE) as stream:
        frame = await stream.collect()
    await plugin.aclose()
    sent = openai_standin.log()["speech"][-1]
    assert frame.sample_rate == 24000
    assert frame.duration * 1000 == pytest.approx(sent["audio_ms"], abs=30)
