"""The agent that answers: the one that comes with the worker, or an operator's own class."""

import sys
from typing import Any

import pytest
from livekit.agents import Agent, ChatContext
from livekit.plugins import openai

from config import Settings
from worker.errors import Misconfigured
from worker.session.conversation.agents import Assistant, build_agent, has_conversation, make_again, maker

HERE = "tests.session.conversation.test_agents"


class Receptionist(Agent):
    def __init__(self, *, instructions: str = "Take orders.") -> None:
        super().__init__(instructions=instructions)


class NeedsMore(Agent):
    def __init__(self, menu: str) -> None:
        super().__init__(instructions=menu)


class Breaks(Agent):
    def __init__(self) -> None:
        raise ValueError("there is no menu")


class BringsLLM(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="", llm=openai.LLM(api_key="key"))


class BringsTTS(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="", tts=openai.TTS(api_key="key"))


class BringsSTT(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="", stt=openai.STT(api_key="key"))


class DoesWithoutTTS(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="", tts=None)


def settings(**agent: Any) -> Settings:
    return Settings.model_validate({"agent": agent})


def refused(class_name: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        build_agent(settings(**{"class": f"{HERE}:{class_name}"}))
    (sentence,) = caught.value.sentences
    return sentence


async def test_without_a_class_the_assistant_follows_the_settings() -> None:
    agent = build_agent(settings(instructions="Be brief.", greeting="Say hello."))
    assert isinstance(agent, Assistant)
    assert agent.instructions == "Be brief."


async def test_the_assistant_speaks_the_language_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = build_agent(settings(instructions="Be brief.", greeting="Say hello.", language="ja"))
    assert isinstance(agent, Assistant)
    assert (agent.instructions, agent._greeting) == ("Be brief. Speak Japanese.", "Say hello. Speak Japanese.")
    silent = build_agent(settings(greeting="", language="ja"))
    assert isinstance(silent, Assistant) and silent._greeting == ""


async def test_a_class_of_the_operator_is_made() -> None:
    agent = build_agent(settings(**{"class": f"{HERE}:Receptionist"}))
    assert type(agent).__name__ == "Receptionist"
    assert agent.instructions == "Take orders."


async def test_a_class_that_does_without_a_part_is_taken() -> None:
    assert build_agent(settings(**{"class": f"{HERE}:DoesWithoutTTS"})).tts is None


@pytest.mark.parametrize(("class_name", "part"), [("BringsSTT", "stt"), ("BringsLLM", "llm"), ("BringsTTS", "tts")])
async def test_a_class_that_brings_its_own_part_is_refused(class_name: str, part: str) -> None:
    sentence = refused(class_name)
    assert f"brings its own {part}" in sentence
    assert "would not be journaled" in sentence


async def test_a_class_that_needs_arguments_is_explained() -> None:
    sentence = refused("NeedsMore")
    assert "cannot be made without arguments" in sentence
    assert "'menu'" in sentence


async def test_a_class_that_fails_while_it_is_made_is_explained() -> None:
    assert "(ValueError: there is no menu)" in refused("Breaks")


async def test_what_is_no_agent_is_refused() -> None:
    assert "is no subclass of livekit.agents" in refused("HERE")


def of_class(path: str) -> Settings:
    return Settings.model_validate({"agent": {"class": path}})


def test_an_agent_is_made_again_from_what_its_maker_is_called() -> None:
    made_by = maker(Receptionist())
    assert made_by == f"{HERE}:Receptionist"
    assert isinstance(make_again(of_class(f"{HERE}:Receptionist"), made_by), Receptionist)


def test_what_its_class_alone_does_not_make_has_no_maker() -> None:
    class Inner(Agent):
        def __init__(self) -> None:
            super().__init__(instructions="")

    assert maker(Inner()) == ""
    assert maker(NeedsMore("pizza")) == ""


@pytest.mark.parametrize(
    "made_by", ["", f"{HERE}:Nobody", f"{HERE}:Breaks", f"{HERE}:BringsLLM", "os:system", "antigravity:X"]
)
def test_what_cannot_be_made_again_or_must_not_be_is_not(made_by: str) -> None:
    assert make_again(of_class(f"{HERE}:Receptionist"), made_by) is None


def test_a_journal_from_elsewhere_imports_nothing_that_the_operator_s_agent_did_not() -> None:
    sys.modules.pop("antigravity", None)
    assert make_again(of_class(f"{HERE}:Receptionist"), "antigravity:Agent") is None
    assert "antigravity" not in sys.modules


def test_whether_an_agent_was_told_what_was_said_before_is_seen() -> None:
    said = ChatContext.empty()
    said.add_message(role="user", content="Two pizzas.")
    assert not has_conversation(Receptionist())
    assert has_conversation(Agent(instructions="", chat_ctx=said))
