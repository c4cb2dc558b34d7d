"""An LLM's request leaves once everything is on disk; else the wrapper changes nothing."""

import asyncio

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, llm
from livekit.agents.metrics import LLMMetrics

from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_llm import ScriptedLLM
from worker.speech.llm import WriteAheadLLM
from worker.transcript.events import ToolCalled

THRICE = APIConnectOptions(max_retry=2, retry_interval=0.0, timeout=5)
CALL = llm.FunctionToolCall(name="order", arguments='{"pizzas": 2}', call_id="call-1")
USAGE = llm.CompletionUsage(completion_tokens=3, prompt_tokens=20, total_tokens=23)
ANSWER = [
    llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content="Two ")),
    llm.ChatChunk(id="1", delta=llm.ChoiceDelta(content="pizzas.")),
    llm.ChatChunk(id="1", delta=llm.ChoiceDelta(tool_calls=[CALL])),
    llm.ChatChunk(id="1", usage=USAGE),
]


def asked(text: str = "Two pizzas, please.") -> llm.ChatContext:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=text)
    return context


async def answer(wrapper: WriteAheadLLM, conn_options: APIConnectOptions = THRICE) -> list[llm.ChatChunk]:
    async with asyncio.timeout(PATIENCE_S), wrapper.chat(chat_ctx=asked(), conn_options=conn_options) as stream:
        return [chunk async for chunk in stream]


async def test_the_request_leaves_only_when_everything_is_accepted(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedLLM(ANSWER)
    wrapper = WriteAheadLLM(wrapped, recorder)
    recorder.hold()
    waiting = asyncio.create_task(answer(wrapper))
    await let_others_run()
    assert recorder.waited_for == 1
    assert wrapped.requests == []
    recorder.release()
    assert len(await waiting) == len(ANSWER)
    assert len(wrapped.requests) == 1


async def test_text_tool_calls_and_usage_pass_through_unchanged(recorder: MemoryRecorder) -> None:
    assert await answer(WriteAheadLLM(ScriptedLLM(ANSWER), recorder)) == ANSWER


class SlowForTools(MemoryRecorder):
    """Accepts nothing any more once a tool is about to be called."""

    def begin_tool(self, call: str, name: str, arguments: str) -> asyncio.Future[None]:
        self.hold()
        return super().begin_tool(call, name, arguments)


async def test_a_tool_is_called_only_when_that_is_accepted() -> None:
    recorder = SlowForTools()
    stream = WriteAheadLLM(ScriptedLLM(ANSWER), recorder).chat(chat_ctx=asked())
    chunks: list[llm.ChatChunk] = []

    async def read() -> None:
        async with stream:
            async for chunk in stream:
                chunks.append(chunk)

    reading = asyncio.create_task(read())
    called = await recorder.until(ToolCalled)
    await let_others_run()
    assert chunks == ANSWER[:2]
    recorder.release()
    async with asyncio.timeout(PATIENCE_S):
        await reading
    assert chunks == ANSWER
    assert (called.call, called.name, called.arguments) == (CALL.call_id, CALL.name, CALL.arguments)
    assert called.key == recorder.tool_key(CALL.call_id)


async def test_what_was_asked_for_is_handed_on(recorder: MemoryRecorder) -> None:
    @llm.function_tool
    async def order(pizzas: int) -> None:
        """Order."""

    wrapped = ScriptedLLM(ANSWER)
    context = asked()
    async with WriteAheadLLM(wrapped, recorder).chat(
        chat_ctx=context, tools=[order], tool_choice="required", parallel_tool_calls=False, extra_kwargs={"seed": 1}
    ) as stream:
        async for _ in stream:
            pass
    (request,) = wrapped.requests
    assert request["chat_ctx"] is context
    assert request["tools"] == [order]
    assert (request["tool_choice"], request["parallel_tool_calls"]) == ("required", False)
    assert request["extra_kwargs"] == {"seed": 1}


async def test_an_attempt_is_repeated_as_often_as_asked_and_no_more(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedLLM(APIConnectionError("no"), APIStatusError("busy", status_code=503), ANSWER)
    assert len(await answer(WriteAheadLLM(wrapped, recorder))) == len(ANSWER)
    assert wrapped.attempts == 3


async def test_a_failure_that_lasts_is_reported_once(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedLLM(*[APIConnectionError("no") for _ in range(9)])
    wrapper = WriteAheadLLM(wrapped, recorder)
    errors: list[llm.LLMError] = []
    wrapper.on("error", errors.append)
    with pytest.raises(APIConnectionError):
        await answer(wrapper)
    assert wrapped.attempts == 3
    assert [error.recoverable for error in errors] == [False]


async def test_an_error_that_no_repetition_mends_is_not_repeated(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedLLM(APIStatusError("bad key", status_code=401), ANSWER)
    with pytest.raises(APIStatusError) as raised:
        await answer(WriteAheadLLM(wrapped, recorder))
    assert raised.value.status_code == 401
    assert wrapped.attempts == 1


async def test_metrics_are_reported_once_and_in_the_wrapped_llm_s_name(recorder: MemoryRecorder) -> None:
    wrapper = WriteAheadLLM(ScriptedLLM(ANSWER), recorder)
    metrics: list[LLMMetrics] = []
    wrapper.on("metrics_collected", metrics.append)
    await answer(wrapper)
    (collected,) = metrics
    assert (collected.prompt_tokens, collected.completion_tokens) == (20, 3)
    assert collected.metadata is not None
    assert (collected.metadata.model_name, collected.metadata.model_provider) == ("scripted", "the test")
    assert (wrapper.model, wrapper.provider) == ("scripted", "the test")


async def test_a_request_that_is_cancelled_closes_the_wrapped_stream(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedLLM(None)
    stream = WriteAheadLLM(wrapped, recorder).chat(chat_ctx=asked(), conn_options=THRICE)
    async with asyncio.timeout(PATIENCE_S):
        await wrapped.attempted.wait()
    await stream.aclose()
    assert wrapped.closed_streams == 1


async def test_a_request_that_is_cancelled_before_it_may_leave_is_never_made(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedLLM(ANSWER)
    recorder.hold()
    stream = WriteAheadLLM(wrapped, recorder).chat(chat_ctx=asked(), conn_options=THRICE)
    await let_others_run()
    await stream.aclose()
    recorder.release()
    await let_others_run()
    assert wrapped.requests == []


async def test_prewarming_and_closing_reach_the_wrapped_llm(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedLLM()
    wrapper = WriteAheadLLM(wrapped, recorder)
    wrapper.prewarm()
    await wrapper.aclose()
    assert wrapped.prewarmed and wrapped.closed
