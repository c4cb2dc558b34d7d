"""Who takes a running call over learns at the end what was said, without a word of its own."""

from types import SimpleNamespace
from typing import Any, cast

from livekit.agents import Agent, ChatContext, ChatMessage

from config import Settings
from tests.speech.memory_recorder import MemoryRecorder
from worker.session.conversation.dialogue import CallSession
from worker.session.resuming.memory import Memory
from worker.session.resuming.resumption import Resumption, recall_all
from worker.transcript.events import AgentChanged

SAID = "My name is Ada."


class Desk(Agent):
    """Counts, and greets."""

    def __init__(self) -> None:
        super().__init__(instructions="Help.")
        self.count, self.greeted, self.resumed = 0, False, False

    async def on_enter(self) -> None:
        self.greeted = True

    async def on_resume(self) -> None:
        self.resumed = True

    def snapshot(self) -> dict[str, int]:
        return {"count": self.count}

    def restore(self, state: dict[str, int]) -> None:
        self.count = state["count"]


def memory(*, agent: AgentChanged | None = None, state: str | None = None) -> Memory:
    said = ChatContext([ChatMessage(role="user", content=[SAID])])
    return cast("Memory", SimpleNamespace(agent=agent, state=state, changed_ms=0, conversation=lambda *_: said))


class Session:
    """A session as far as a hand-over changes its agent."""

    def __init__(self, agent: Agent) -> None:
        self.current_agent = agent

    def update_agent(self, agent: Agent) -> None:
        self.current_agent = agent


async def recalled(session: Session, at_the_end: Memory, known: Memory | None) -> None:
    settings = Settings.model_validate({"agent": {"class": f"{__name__}:Desk"}})
    await recall_all(at_the_end, known, cast("CallSession", session), settings, MemoryRecorder())


def messages(agent: Agent) -> list[Any]:
    return [item.text_content for item in agent.chat_ctx.items if item.type == "message"]


async def test_the_agent_that_waits_learns_what_was_said_and_its_newest_state() -> None:
    agent = Desk()
    session = Session(agent)
    await recalled(session, memory(state='{"count": 3}'), memory(state='{"count": 1}'))
    assert session.current_agent is agent
    assert messages(agent) == [SAID]
    assert agent.count == 3


async def test_an_agent_that_knew_of_no_call_before_learns_it_too() -> None:
    agent = Desk()
    session = Session(agent)
    await recalled(session, memory(), None)
    assert session.current_agent is agent
    assert messages(agent) == [SAID]


async def test_where_the_call_was_given_to_another_agent_meanwhile_that_one_goes_on() -> None:
    first = Agent(instructions="Greet.")
    session = Session(first)
    changed = AgentChanged(agent="desk", made_by=f"{__name__}:Desk")
    await recalled(session, memory(agent=changed, state='{"count": 2}'), memory())
    agent = session.current_agent
    assert isinstance(agent, Desk)
    assert agent.count == 2
    assert messages(agent) == [SAID]
    await agent.on_enter()
    assert (agent.greeted, agent.resumed) == (False, True)


async def test_an_agent_that_enters_while_another_speaks_says_nothing_and_does_so_once() -> None:
    agent = Desk()
    Resumption(memory(), agent).without_a_word()
    await agent.on_enter()
    assert (agent.greeted, agent.resumed) == (False, True)
    await agent.on_enter()
    assert agent.greeted
