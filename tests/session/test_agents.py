"""The agent that answers: the one that comes with the worker, or an operator's own class."""

from typing import Any

import pytest
from livekit.agents import Agent
from livekit.plugins import openai

from config import Settings
from worker.errors import Misconfigured
from worker.session.agents import Assistant, build_agent

HERE = "tests.session.test_agents"


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
