"""The examples can be used as they stand."""

import pytest
from livekit.agents import Agent

from tests.parts.availability import PROJECT
from tests.session.conftest import SETTINGS, Stage
from tests.session.test_capture import calls, says, talk
from worker.loading import load_class
from worker.session.agents import build_agent
from worker.transcript.events import Note

AGENTS = ["examples.appointments:Reception", "examples.consent:Front"]


@pytest.mark.parametrize("path", AGENTS)
async def test_an_example_is_an_agent_that_the_worker_takes(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PROJECT)
    agent = SETTINGS.agent.model_copy(update={"class_": path})
    assert type(build_agent(SETTINGS.model_copy(update={"agent": agent}))).__name__ == path.rpartition(":")[2]


def test_every_example_is_named_here() -> None:
    assert {path.partition(":")[0] for path in AGENTS} == {
        f"examples.{file.stem}" for file in (PROJECT / "examples").glob("*.py")
    }


async def test_consent_is_noted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PROJECT)
    front = load_class("agent.class", AGENTS[1], Agent)()
    stage.llm.outcomes = [says("Do you agree?"), calls("agrees"), says("How can I help?")]
    await stage.session.start(front)
    await talk(stage, "Yes, I do.")
    assert stage.recorder.of(Note) == [Note(text="consent given")]
