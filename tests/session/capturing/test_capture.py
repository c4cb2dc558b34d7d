"""What the session says of itself becomes journal events."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from livekit.agents import (
    Agent,
    APIError,
    APIStatusError,
    CloseReason,
    ErrorEvent,
    ToolError,
    llm,
    tts,
)

from tests.session.conftest import Stage
from tests.session.memory_audio import Speaker
from tests.speech.memory_recorder import PATIENCE_S
from tests.speech.virtual_clock import VirtualClock
from worker.session.capturing.capture import USAGE_SECONDS, _without_agents
from worker.speech import paced
from worker.speech.catalogue import CATALOGUE
from worker.transcript.events import (
    AgentSaid,
    AgentSentence,
    ErrorRaised,
    Event,
    ToolCalled,
    ToolReturned,
    UsageReported,
    UserTurn,
)


def says(text: str) -> list[llm.ChatChunk]:
    usage = llm.CompletionUsage(completion_tokens=3, prompt_tokens=20, total_tokens=23)
    return [
        llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content=text)),
        llm.ChatChunk(id="1", usage=usage),
    ]


def calls(name: str, arguments: str = "{}") -> list[llm.ChatChunk]:
    call = llm.FunctionToolCall(name=name, arguments=arguments, call_id=f"call-{name}")
    return [llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", tool_calls=[call]))]


class Waiter(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Take orders.")

    @llm.function_tool
    async def order(self, pizzas: int) -> str:
        """Order pizzas."""
        return f"{pizzas} pizzas ordered"

    @llm.function_tool
    async def pay(self) -> str:
        """Pay."""
        raise ToolError("the card was refused")

    @llm.function_tool
    async def transfer(self) -> tuple[Agent, str]:
        """Hand over, and say so."""
        return Agent(instructions="Be kind."), "You are being connected."

    @llm.function_tool
    async def pass_on(self) -> Agent:
        """Hand over."""
        return Agent(instructions="Be kind.")

    @llm.function_tool
    async def leave(self) -> str:
        """Leave."""
        raise ValueError("the door is locked")


async def talk(stage: Stage, text: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await stage.session.run(user_input=text)


def kinds(events: list[Event]) -> list[type[Any]]:
    return [type(event) for event in events]


async def test_a_turn_is_written_as_taken_spoken_and_said(stage: Stage) -> None:
    stage.llm.outcomes = [says("Two it is.")]
    await stage.session.start(Waiter())
    await talk(stage, "Two pizzas, please.")
    events = stage.recorder.events
    assert [each for each in events if isinstance(each, UserTurn)] == [
        UserTurn(participant="caller", text="Two pizzas, please.")
    ]
    (said,) = stage.recorder.of(AgentSaid)
    assert (said.text, said.interrupted) == ("Two it is.", False)
    assert said.speech is not None
    assert kinds(events).index(UserTurn) < kinds(events).index(AgentSaid)


async def test_what_is_spoken_belongs_to_the_speech_that_is_said(stage: Stage) -> None:
    speaker = Speaker()
    stage.session.output.audio = speaker
    stage.llm.outcomes = [says("Two it is.")]
    await stage.session.start(Waiter())
    running = asyncio.create_task(talk(stage, "Two pizzas, please."))
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
    speaker.play_all()
    await running
    (sentence,), (said,) = stage.recorder.of(AgentSentence), stage.recorder.of(AgentSaid)
    assert sentence.text == said.text == "Two it is."
    assert sentence.speech == said.speech is not None
    assert stage.tts.spoken == ["Two it is."]
    assert said.started_ms is not None and said.ended_ms is not None and said.ended_ms >= said.started_ms


async def test_a_speech_that_was_cut_is_said_as_interrupted(stage: Stage) -> None:
    speaker = Speaker()
    stage.session.output.audio = speaker
    await stage.session.start(Waiter())
    handle = stage.session.say("Our menu is long.")
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
        speaker.begin_to_play()
        await asyncio.sleep(0)
        handle.interrupt()
        await handle
    (said,) = stage.recorder.of(AgentSaid)
    assert said.interrupted
    assert said.speech == handle.id


async def test_a_speech_of_which_nothing_was_played_is_said_as_empty(stage: Stage) -> None:
    speaker = Speaker()
    stage.session.output.audio = speaker
    await stage.session.start(Waiter())
    handle = stage.session.say("Our menu is long.")
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
        handle.interrupt()
        await handle
    (sentence,) = stage.recorder.of(AgentSentence)
    assert stage.recorder.of(AgentSaid) == [AgentSaid(speech=handle.id, text="", interrupted=True)]
    assert sentence.speech == handle.id


async def test_a_tool_is_written_when_called_and_when_it_returned(stage: Stage) -> None:
    stage.llm.outcomes = [calls("order", '{"pizzas": 2}'), says("Done.")]
    await stage.session.start(Waiter())
    await talk(stage, "Two pizzas, please.")
    (called,), (returned,) = stage.recorder.of(ToolCalled), stage.recorder.of(ToolReturned)
    assert (called.call, called.name, called.arguments) == ("call-order", "order", '{"pizzas": 2}')
    assert called.speech is not None
    assert (returned.call, returned.name, returned.output, returned.failed) == (
        "call-order", "order", "2 pizzas ordered", False,
    )  # fmt: skip
    assert [each.text for each in stage.recorder.of(AgentSaid)] == ["Done."]


@pytest.mark.parametrize(("tool", "told"), [("transfer", "You are being connected."), ("pass_on", "")])
async def test_a_tool_that_hands_over_is_written_with_its_words_alone(stage: Stage, tool: str, told: str) -> None:
    stage.llm.outcomes = [calls(tool), says("Connected.")]
    await stage.session.start(Waiter())
    await talk(stage, "Someone else, please.")
    (returned,) = stage.recorder.of(ToolReturned)
    assert (returned.output, returned.failed) == (told, False)


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("""(<shop.Till object at 0x7f00>, "It's booked.")""", "It's booked."),
        ("['one', <shop.Till object at 0x7f00>, 'two']", "['one', Till, 'two']"),
        ("(3, 4)", "(3, 4)"),
        ("(see <shop.Till object at 0x7f00>", "(see Till"),
        ("<shop.main.<locals>.Till object at 0x7f00>", "Till"),
    ],
)
def test_an_agent_in_a_tool_s_result_is_left_out_or_shown_by_its_class(result: str, shown: str) -> None:
    assert _without_agents(result) == shown


@pytest.mark.parametrize("tool", ["pay", "leave"])
async def test_a_tool_that_fails_is_written_as_failed(stage: Stage, tool: str) -> None:
    stage.llm.outcomes = [calls(tool), says("That did not work.")]
    await stage.session.start(Waiter())
    await talk(stage, "Do it.")
    assert [(each.call, each.failed) for each in stage.recorder.of(ToolReturned)] == [(f"call-{tool}", True)]


async def test_a_failure_of_a_service_is_written_with_its_sentence_in_the_catalogue(stage: Stage) -> None:
    stage.llm.outcomes = [APIStatusError("the key was refused", status_code=401)]
    await stage.session.start(Waiter())
    with pytest.raises(APIError):
        await talk(stage, "Two pizzas, please.")
    (error,) = stage.recorder.of(ErrorRaised)
    assert (error.source, error.code, error.fatal) == ("llm", "llm.http_401", True)
    assert error.message == CATALOGUE["llm.http_401"].message


def error_event(error: Exception, *, recoverable: bool) -> ErrorEvent:
    return ErrorEvent(
        error=tts.TTSError(timestamp=0.0, label="x", error=error, recoverable=recoverable), source=object()
    )


async def test_a_failure_that_is_tried_again_is_not_fatal(stage: Stage) -> None:
    stage.session.emit("error", error_event(APIStatusError("no", status_code=401), recoverable=True))
    (error,) = stage.recorder.of(ErrorRaised)
    assert (error.source, error.code, error.fatal) == ("tts", "tts.http_401", False)


async def test_an_error_does_not_quote_what_was_said(stage: Stage) -> None:
    quoting = APIError("no audio frames were pushed for text: my secret")
    stage.session.emit("error", error_event(quoting, recoverable=False))
    (error,) = stage.recorder.of(ErrorRaised)
    assert "my secret" not in error.message


def used(stage: Stage) -> list[int | float]:
    """The tokens that the LLM was given, each time that they were journaled."""
    return [each.amounts["input_tokens"] for each in stage.recorder.of(UsageReported) if each.service == "llm"]


async def test_usage_is_written_at_once_then_seldom_and_when_the_session_closes(stage: Stage) -> None:
    stage.llm.outcomes = [says("Two it is."), says("Three it is."), says("Four it is.")]
    await stage.session.start(Waiter())
    for question in ("Two pizzas, please.", "Three, please.", "Four, please."):
        await talk(stage, question)
    assert used(stage) == [20]  # so that also a call that crashes has counts, but not one for each answer
    await stage.session.aclose()
    assert stage.capture.close is not None
    assert stage.capture.close.reason is CloseReason.USER_INITIATED
    assert used(stage) == [20, 60]
    last = {each.service: each for each in stage.recorder.of(UsageReported)}["llm"]
    assert (last.model, last.amounts["output_tokens"]) == ("scripted", 9)


async def test_usage_is_written_during_a_long_call(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(paced, "asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    stage.llm.outcomes = [says("Two it is."), says("Three it is.")]
    await stage.session.start(Waiter())
    for question in ("Two pizzas, please.", "Three, please."):
        await talk(stage, question)
    clock.advance(USAGE_SECONDS)
    assert used(stage) == [20, 40]


async def test_a_session_that_never_closed_is_ended_once(stage: Stage) -> None:
    stage.llm.outcomes = [says("Two it is."), says("Three it is.")]
    await stage.session.start(Waiter())
    for question in ("Two pizzas, please.", "Three, please."):
        await talk(stage, question)
    stage.capture.end()
    stage.capture.end()
    assert used(stage) == [20, 40]
