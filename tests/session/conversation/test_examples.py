"""The examples can be used as they stand."""

import asyncio
import json
from typing import Any

import pytest
from livekit.agents import Agent

from standins.caller.script import SCRIPT
from tests.parts.availability import PROJECT
from tests.session.capturing.test_capture import calls, says, talk
from tests.session.conftest import SETTINGS, Stage
from tests.speech.memory_recorder import PATIENCE_S
from worker.demo.scripts import EXAMPLES, USUAL
from worker.loading import load_class
from worker.session.conversation.agents import build_agent
from worker.transcript.events import AgentChanged, Note, ToolReturned

AGENTS = [
    "examples.appointments:Reception",
    "examples.consent:Front",
    "examples.faq:Desk",
    "examples.intake:Intake",
]


@pytest.fixture(autouse=True)
def _project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PROJECT)


def example(path: str, *arguments: Any) -> Any:
    agent = load_class("agent.class", path, Agent)(*arguments)
    assert isinstance(agent, Agent)
    return agent


@pytest.mark.parametrize("path", AGENTS)
async def test_an_example_is_an_agent_that_the_worker_takes(path: str) -> None:
    agent = SETTINGS.agent.model_copy(update={"class_": path})
    assert type(build_agent(SETTINGS.model_copy(update={"agent": agent}))).__name__ == path.rpartition(":")[2]


def test_every_example_is_named_here() -> None:
    assert {path.partition(":")[0] for path in AGENTS} == {
        f"examples.{file.stem}" for file in (PROJECT / "examples").glob("*.py")
    }


@pytest.mark.parametrize("name", [*EXAMPLES, "the usual call"])
def test_the_demo_s_caller_can_follow_each_script(name: str) -> None:
    script = EXAMPLES.get(name, USUAL)
    assert script.agent in {*AGENTS, ""}
    steps = SCRIPT.validate_python(script.steps)
    # The recogniser of the demo knows the sentences of its list.
    known = (PROJECT / "standins" / "assemblyai" / "phrases.txt").read_text(encoding="utf-8").splitlines()
    assert [text for step in steps if (text := getattr(step, "text", "")) and text not in known] == []


async def test_consent_is_noted(stage: Stage) -> None:
    stage.llm.outcomes = [says("Do you agree?"), calls("agrees"), says("How can I help?")]
    await stage.session.start(example(AGENTS[1]))
    await talk(stage, "Yes, I do.")
    assert stage.recorder.of(Note) == [Note(text="consent given")]


async def test_the_desk_answers_from_its_list_and_remembers_what_is_not_in_it(stage: Stage) -> None:
    stage.llm.outcomes = [
        says("Hello."),
        calls("look_up", '{"topic": "gift cards"}'), says("Yes."),
        calls("not_known", '{"question": "Do you sell lamps?"}'), says("Somebody will call back."),
    ]  # fmt: skip
    await stage.session.start(example(AGENTS[2]))
    await talk(stage, "Do you sell gift cards?")
    await talk(stage, "Do you sell lamps?")
    assert stage.recorder.of(ToolReturned)[0].output == "Yes, we sell gift cards, from ten dollars on, in every shop."
    assert stage.recorder.of(Note) == [Note(text="open question: Do you sell lamps?")]


async def test_an_appointment_is_booked_once_by_the_agent_who_was_handed_the_caller(stage: Stage) -> None:
    stage.llm.outcomes = [
        says("Hello."),
        calls("make_appointment"), says("One moment."), says("Which day?"),
        calls("free_hours", '{"day": "Is Tuesday free?"}'), says("Ten, two, or four."),
        calls("book", '{"day": "Tuesday", "hour": "two"}'), says("Done."),
        calls("book", '{"day": "Tuesday", "hour": "two"}'), says("That is taken."),
    ]  # fmt: skip
    await stage.session.start(example(AGENTS[0]))
    for text in ("An appointment, please.", "Is Tuesday free?", "At two.", "And at two again."):
        await talk(stage, text)
    assert len(stage.recorder.of(AgentChanged)) == 1
    assert stage.recorder.of(Note) == [Note(text="appointment booked: Tuesday, two")]
    *_, free, booked, refused = stage.recorder.of(ToolReturned)
    assert free.output == "On Tuesday these hours are free: ten, two, four."
    assert (booked.failed, refused.failed) == (False, True)
    assert "offer one of: ten, four" in refused.output


async def test_data_is_taken_down_as_it_was_spelled_read_out_and_typed(stage: Stage) -> None:
    stage.llm.outcomes = [
        says("Your name, please."),
        calls("write_down_name", '{"spelled": "M, I, L, L, E, R."}'), says("Miller. The number?"),
        calls("write_down_number", '{"number": "four seven, two nine"}'), says("4729. Your code?"),
        calls("type_code"), says("Thank you."),
    ]  # fmt: skip
    agent = example(AGENTS[3])
    await stage.session.start(agent)
    await talk(stage, "M, I, L, L, E, R.")
    await talk(stage, "Four seven, two nine.")
    typing = asyncio.create_task(talk(stage, "I will type the code now."))
    for key in "1234":
        stage.session.keypad.press(key)
    async with asyncio.timeout(PATIENCE_S):
        await typing
    assert (agent.record.name, agent.record.number, agent.record.pin_typed) == ("Miller", "4729", True)
    assert all("1234" not in each.output for each in stage.recorder.of(ToolReturned))


async def test_what_was_taken_down_survives_a_crash(stage: Stage) -> None:
    before, after = example(AGENTS[3]), example(AGENTS[3])
    before.record.name, before.record.number = "Miller", "4729"
    after.restore(json.loads(json.dumps(before.snapshot())))
    assert after.record == before.record


@pytest.mark.parametrize(
    ("said", "name"),
    [("M-I-L-L-E-R", "Miller"), ("My name is Anna Miller.", "Anna Miller"), ("anna miller", "Anna Miller")],
)
def test_a_name_is_read_from_its_letters_or_as_a_word(said: str, name: str) -> None:
    from examples.intake import name_from

    assert name_from(said) == name


@pytest.mark.parametrize(
    ("said", "digits"), [("four seven two nine", "4729"), ("47 29", "4729"), ("oh-five", "05"), ("none", "")]
)
def test_a_number_is_read_in_words_or_figures(said: str, digits: str) -> None:
    from examples.intake import digits_from

    assert digits_from(said) == digits
