"""When nobody listens any more, nothing is said to its end."""

import asyncio

import pytest
from livekit.agents import Agent

from tests.session.capturing.test_capture import says
from tests.session.conftest import Stage
from tests.session.memory_audio import Speaker
from tests.session.scene import Scene, patiently, waiter
from tests.speech.scripted_server import final, turn
from worker.session.capturing.unheard import Unheard
from worker.transcript.events import AgentSaid, AgentSentence, UserTurn

TEXT = "We have margherita, funghi and calzone today, and a soup of the day."


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage, Speaker())


async def test_what_is_being_said_and_what_waits_to_be_said_ends(scene: Scene) -> None:
    unheard = Unheard(scene.stage.session)
    await scene.begin(waiter())
    first = scene.stage.session.say(TEXT, allow_interruptions=False)
    second = scene.stage.session.say(TEXT)
    await patiently(scene.speaker.flushed.wait())
    unheard.nobody_listens()
    await patiently(asyncio.gather(first.wait_for_playout(), second.wait_for_playout()))
    assert first.interrupted
    assert second.interrupted


async def test_what_begins_afterwards_ends_at_once(scene: Scene) -> None:
    unheard = Unheard(scene.stage.session)
    await scene.begin(waiter())
    unheard.nobody_listens()
    speech = scene.stage.session.say(TEXT, allow_interruptions=False)
    await patiently(speech.wait_for_playout())
    assert speech.interrupted
    assert scene.stage.recorder.of(AgentSentence) == []


class Thoughtful(Agent):
    """Takes a moment before it answers."""

    def __init__(self) -> None:
        super().__init__(instructions="Take orders.")
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def on_user_turn_completed(self, turn_ctx: object, new_message: object) -> None:
        self.asked.set()
        await self.answer.wait()


async def test_a_close_waits_for_no_answer_to_the_last_words(scene: Scene) -> None:
    """The caller hangs up between the end of their turn and the answer."""
    unheard = Unheard(scene.stage.session)
    agent = Thoughtful()
    connection = await scene.begin(agent)
    scene.stage.llm.outcomes = [says(TEXT)]
    await connection.send({"type": "SpeechStarted", "timestamp": 0}, turn("Two pizzas"), final("Two pizzas, please."))
    await patiently(agent.asked.wait())
    unheard.nobody_listens()
    closing = asyncio.create_task(scene.stage.session.aclose())
    await asyncio.sleep(0)
    agent.answer.set()
    await patiently(closing)
    assert [each.text for each in scene.stage.recorder.of(UserTurn)] == ["Two pizzas, please."]
    assert all(each.interrupted for each in scene.stage.recorder.of(AgentSaid))
