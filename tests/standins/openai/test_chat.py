"""Chat completions, with the official SDK as the client."""

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from standins.openai import replies
from tests.parts.standins import Standin

TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Looks up the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


async def test_a_streamed_conversation_with_a_tool_call(client: openai.AsyncOpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the weather in Paris?"},
    ]
    name, arguments, call_id, reasons = "", "", "", []
    async for chunk in await client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, tools=[TOOL], stream=True
    ):
        choice = chunk.choices[0]
        reasons.append(choice.finish_reason)
        for call in choice.delta.tool_calls or ():
            assert call.function is not None
            call_id += call.id or ""
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    assert name == "get_weather"
    assert arguments == '{"city": "What is the weather in Paris?"}'
    assert reasons[-1] == "tool_calls"

    messages += [
        {
            "role": "assistant",
            "tool_calls": [{"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}],
        },
        {"role": "tool", "tool_call_id": call_id, "content": "It rains."},
    ]
    text, usage = "", None
    async for chunk in await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=messages,
        tools=[TOOL],
        stream=True,
        stream_options={"include_usage": True},
    ):
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
        usage = chunk.usage or usage
    assert text == "Here is what I found. It rains."
    assert usage is not None
    assert usage.completion_tokens == len(text.split())
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_an_answer_without_a_stream(client: openai.AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "developer", "content": "Greet the user."}]
    )
    assert completion.choices[0].message.content == replies.GREETING
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == len(replies.GREETING.split())


async def test_the_models_are_listed(client: openai.AsyncOpenAI) -> None:
    assert "gpt-4o-mini" in [model.id async for model in client.models.list()]


@pytest.mark.parametrize("authorization", ["Bearer sk-refused", "Basic offline"])
async def test_a_wrong_or_missing_key_is_refused(client: openai.AsyncOpenAI, authorization: str) -> None:
    headers = {"Authorization": authorization}
    with pytest.raises(openai.AuthenticationError) as refused:
        await client.with_options(default_headers=headers).models.list()
    assert refused.value.type == "invalid_request_error"
    assert refused.value.code == "invalid_api_key"


async def test_a_request_that_makes_no_sense_is_refused_by_the_field(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid value for 'messages'"):
        await client.chat.completions.create(model="gpt-4o-mini", messages=[])


async def test_a_strict_stand_in_refuses_what_no_rule_covers(
    client: openai.AsyncOpenAI, openai_standin: Standin
) -> None:
    openai_standin.call("POST", "/control/settings", {"strict": True})
    with pytest.raises(openai.BadRequestError, match="No rule"):
        await client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "The elephant likes music."}]
        )
    assert openai_standin.log()["chat"][-1]["outcome"] == "refused"


async def test_the_log_keeps_the_request_and_the_whole_answer(
    client: openai.AsyncOpenAI, openai_standin: Standin
) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me a joke."}]
    async for _ in await client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, tools=[TOOL], stream=True
    ):
        pass
    entry = openai_standin.log()["chat"][-1]
    assert entry["messages"] == messages
    assert entry["tools"][0]["name"] == "get_weather"
    assert entry["answer"] == "Why did the computer go to the doctor? It had a virus."
    assert entry["outcome"] == "finished"
    assert entry["received_at"] <= entry["first_piece_at"] <= entry["ended_at"]


async def test_the_delays_are_kept(client: openai.AsyncOpenAI, openai_standin: Standin) -> None:
    openai_standin.call("POST", "/control/settings", {"first_token_ms": 80, "tokens_per_second": 100})
    async for _ in await client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Tell me a joke."}], stream=True
    ):
        pass
    entry = openai_standin.log()["chat"][-1]
    words = len(entry["answer"].split())
    assert entry["first_piece_at"] - entry["received_at"] >= 0.08 - 0.005
    # From the request on: a first piece that a busy machine holds up is caught up with.
    assert entry["ended_at"] - entry["received_at"] >= 0.08 + (words - 1) / 100 - 0.005
