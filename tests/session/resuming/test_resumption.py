"""An agent that comes back: what it knows, what it says first, and whom it answers."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from livekit.agents import Agent, RunContext, function_tool

from config import Settings
from config.spoken_lines import LINES, Line
from tests.session.conftest import Stage
from tests.speech.memory_recorder import MemoryRecorder, let_others_run
from tests.transcript.journals import part
from worker.session.resuming.memory import Memory, remember
from worker.session.resuming.resumption import Resumption
from worker.session.resuming.snapshots import LARGEST, Snapshots
from worker.transcript.events import (
    AgentChanged,
    AgentSaid,
    AgentState,
    ErrorRaised,
    Event,
    ToolCalled,
    UserFinal,
)

HERE = "tests.session.resuming.test_resumption"
NAME = UserFinal(participant="ada", text="My name is Ada.")
HELLO = AgentSaid(text="Hello Ada.", speech="s")


class Reception(Agent):
    """Greets; every call of a hook is noted."""

    def __init__(self) -> None:
        super().__init__(instructions="Take orders.")
        self.hooks: list[str] = []
        self.orders: Any = []

    async def on_enter(self) -> None:
        self.hooks.append("on_enter")

    async def on_resume(self) -> None:
        self.hooks.append("on_resume")

    def snapshot(self) -> Any:
        return self.orders

    def restore(self, state: Any) -> None:
        self.orders = state

    @function_tool
    async def book(self, context: RunContext, day: str) -> None:
        """Book."""


class Forgets(Reception):
    def restore(self, state: Any) -> None:
        raise KeyError("Ada's orders")


def settings(name: str = "Reception") -> Settings:
    return Settings.model_validate({"agent": {"class": f"{HERE}:{name}"}})


def known(*events: Event) -> Memory:
    memory = remember([part(*((100 * number, event) for number, event in enumerate(events, start=1)))])
    assert memory is not None
    return memory


class FakeAnnouncer:
    """Says lines in no time, notes them, and has the agent remember them, as the session does."""

    def __init__(self, agent: Agent) -> None:
        self.said: list[Line] = []
        self._agent = agent

    async def say(self, line: Line, **_: Any) -> bool:
        known = self._agent.chat_ctx.copy()
        known.add_message(role="assistant", content="I am back.")
        await self._agent.update_chat_ctx(known)
        self.said.append(line)
        return True


async def come_back(stage: Stage, memory: Memory) -> tuple[Reception, FakeAnnouncer]:
    """Start a session with the agent that goes on; return it when it has come back."""
    resumption = Resumption.of(memory, settings(), stage.recorder)
    announcer = FakeAnnouncer(resumption.agent)
    assert await resumption.recall()
    resumption.instead_of_greeting(stage.session, announcer)  # type: ignore[arg-type]
    await stage.session.start(resumption.agent)
    async with asyncio.timeout(10):
        while not announcer.said:  # noqa: ASYNC110 - the framework tells of no end of `on_enter`
            await asyncio.sleep(0.01)
    await let_others_run()
    assert isinstance(resumption.agent, Reception)
    return resumption.agent, announcer


async def test_it_says_that_it_is_back_and_does_not_greet(stage: Stage) -> None:
    agent, announcer = await come_back(stage, known(NAME, HELLO))
    assert agent.hooks == ["on_resume"]
    assert announcer.said == ["resumption"]
    assert stage.llm.requests == []


async def test_who_had_asked_something_is_answered_with_all_that_was_said(stage: Stage) -> None:
    stage.llm.outcomes = [[]]
    await come_back(stage, known(HELLO, NAME))
    await asyncio.wait_for(stage.llm.attempted.wait(), 10)
    (request,) = stage.llm.requests
    said = [item.text_content for item in request["chat_ctx"].items if item.type == "message"]
    assert said[-2:] == ["Hello Ada.", "My name is Ada."]


async def test_a_tool_that_was_cut_off_is_explained(stage: Stage) -> None:
    stage.llm.outcomes = [[]]
    await come_back(stage, known(NAME, ToolCalled(call="c", name="book", arguments="{}")))
    await asyncio.wait_for(stage.llm.attempted.wait(), 10)
    sent = [item for item in stage.llm.requests[0]["chat_ctx"].items if item.type != "agent_config_update"]
    result = sent[-1]
    assert result.type == "function_call_output" and "Do not repeat" in result.output


async def test_it_enters_as_ever_when_it_takes_over_again_later(stage: Stage) -> None:
    agent, _ = await come_back(stage, known(NAME, HELLO))
    await agent.on_enter()
    assert agent.hooks == ["on_resume", "on_enter"]


async def test_who_said_nothing_and_heard_nothing_is_greeted(recorder: MemoryRecorder) -> None:
    assert not await Resumption.of(known(), settings(), recorder).recall()


async def test_its_state_comes_back(recorder: MemoryRecorder) -> None:
    resumption = Resumption.of(known(AgentState(agent="reception", state='["pizza"]')), settings(), recorder)
    assert isinstance(resumption.agent, Reception)
    assert resumption.agent.orders == ["pizza"]


async def test_an_agent_that_cannot_take_its_state_back_goes_on_without_it(recorder: MemoryRecorder) -> None:
    Resumption.of(known(AgentState(agent="forgets", state="[]")), settings("Forgets"), recorder)
    (error,) = recorder.of(ErrorRaised)
    assert error.code == "agent.state_not_restored" and "Ada" not in error.message


async def test_after_a_hand_off_the_second_agent_comes_back(recorder: MemoryRecorder) -> None:
    changed = AgentChanged(agent="forgets", made_by=f"{HERE}:Forgets")
    resumption = Resumption.of(known(NAME, changed), settings(), recorder)
    assert type(resumption.agent) is Forgets
    assert recorder.events == []


async def test_where_the_second_agent_cannot_be_made_the_first_goes_on_and_the_transcript_says_so(
    recorder: MemoryRecorder,
) -> None:
    lost = AgentChanged(agent="lost", made_by=f"{HERE}:Lost", remembers=False)
    resumption = Resumption.of(known(NAME, lost, HELLO), settings(), recorder)
    assert type(resumption.agent) is Reception
    assert [each.code for each in recorder.of(ErrorRaised)] == ["agent.not_made_again"]
    assert [each.agent for each in recorder.of(AgentChanged)] == ["reception"]
    await resumption.recall()
    assert [each.text_content for each in resumption.agent.chat_ctx.messages()] == ["My name is Ada.", "Hello Ada."]


def test_the_line_is_there_in_every_language() -> None:
    assert all(lines["resumption"].strip() for lines in LINES.values())


# --- what is kept for that


class Current:
    """A session, as much of it as snapshots need."""

    def __init__(self, agent: Agent) -> None:
        self.current_agent = agent


def taken(agent: Agent, recorder: MemoryRecorder, *states: Any) -> Sequence[Any]:
    """Let the agent have one state after another, and return what is journaled of them."""
    snapshots = Snapshots(Current(agent), recorder)  # type: ignore[arg-type]
    for state in states:
        vars(agent)["orders"] = state
        snapshots.take()
    return [json.loads(each.state) for each in recorder.of(AgentState)]


async def test_what_has_changed_is_kept_and_what_has_not_is_not_written_again(recorder: MemoryRecorder) -> None:
    assert taken(Reception(), recorder, ["pizza"], ["pizza"], ["pizza", "salad"]) == [["pizza"], ["pizza", "salad"]]


async def test_64_kib_are_kept_and_more_is_refused_with_one_sentence(recorder: MemoryRecorder) -> None:
    fits = "x" * (LARGEST - 2)
    assert taken(Reception(), recorder, fits, fits + "x", fits + "xx") == [fits]
    assert [each.code for each in recorder.of(ErrorRaised)] == ["agent.state_not_kept"]


@pytest.mark.parametrize("state", [object(), float("nan"), {1, 2}])
async def test_what_is_no_json_is_refused_and_the_call_goes_on(recorder: MemoryRecorder, state: Any) -> None:
    assert taken(Reception(), recorder, state, "later") == ["later"]
    assert [each.code for each in recorder.of(ErrorRaised)] == ["agent.state_not_kept"]


async def test_an_agent_without_a_snapshot_is_left_alone(recorder: MemoryRecorder) -> None:
    assert taken(Agent(instructions=""), recorder, 1) == []
    assert recorder.events == []
