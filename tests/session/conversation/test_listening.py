"""An agent changes how it listens while the call runs, and words of assent are no turn."""

import asyncio
from typing import Any

import pytest

from config import Settings
from tests.session.capturing.test_capture import says
from tests.session.conftest import Stage
from tests.session.memory_audio import Speaker
from tests.session.scene import Scene, patiently, waiter
from tests.speech.memory_recorder import let_others_run
from tests.speech.scripted_server import Connection, final
from worker.errors import Misconfigured
from worker.session.conversation.listening import Listening, end_turns_by_silence
from worker.speech.assemblyai import RecordingSTT
from worker.transcript.events import AgentSaid, UserFinal, UserTurn


@pytest.fixture
async def scene(stage: Stage) -> Scene:
    return Scene(stage, Speaker())


async def told(connection: Connection, count: int) -> list[dict[str, Any]]:
    """Wait until the service was told `count` changes; return them without their type."""
    await connection.until(lambda self: len(updates(self)) >= count)
    return [{name: value for name, value in each.items() if name != "type"} for each in updates(connection)]


def updates(connection: Connection) -> list[dict[str, Any]]:
    return [each for each in connection.messages if each["type"] == "UpdateConfiguration"]


async def test_while_a_number_is_read_out_turns_end_later(scene: Scene) -> None:
    connection = await scene.begin(waiter())
    session = scene.stage.session
    session.dictation(True)
    session.dictation(True)
    session.dictation(False)
    assert await told(connection, 2) == [
        {"min_turn_silence": 1000, "max_turn_silence": 3000},
        {"min_turn_silence": 100, "max_turn_silence": 1000},
    ]


async def test_an_agent_names_what_it_expects_to_hear(scene: Scene) -> None:
    connection = await scene.begin(waiter())
    scene.stage.session.listen_for(keyterms=["Verbatim"], prompt="Names of medicines.", language_codes=["es"])
    scene.stage.session.listen_for(keyterms=[])
    scene.stage.session.listen_for()
    assert await told(connection, 2) == [
        {"keyterms_prompt": ["Verbatim"], "prompt": "Names of medicines.", "language_codes": ["es"]},
        {"keyterms_prompt": []},
    ]


async def test_silences_that_are_set_during_dictation_come_after_it(scene: Scene) -> None:
    connection = await scene.begin(waiter())
    session = scene.stage.session
    session.dictation(True)
    session.listen_for(min_turn_silence=200, max_turn_silence=900)
    session.dictation(False)
    *_, last = await told(connection, 3)
    assert last == {"min_turn_silence": 200, "max_turn_silence": 900}
    assert (await told(connection, 3))[1] == {"min_turn_silence": 1000, "max_turn_silence": 3000}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"keyterms": ["x" * 51]},
         "stt.keyterms has a term longer than 50 characters; shorten or drop it (the agent)."),
        ({"max_turn_silence": 50}, "turns.min_turn_silence (100 ms) is longer than turns.max_turn_silence (50 ms); "
         "lower the first or raise the second."),
        ({"min_turn_silence": -1}, "turns.min_turn_silence must be a whole number from 0 to 60000 (the agent)."),
    ],
)  # fmt: skip
async def test_a_change_that_is_not_possible_changes_nothing(
    scene: Scene, change: dict[str, Any], sentence: str
) -> None:
    connection = await scene.begin(waiter())
    with pytest.raises(Misconfigured) as refused:
        scene.stage.session.listen_for(**change)
    assert refused.value.sentences == (sentence,)
    scene.stage.session.listen_for(keyterms=["sentinel"])
    assert await told(connection, 1) == [{"keyterms_prompt": ["sentinel"]}]


def test_a_change_that_the_model_does_not_have_is_refused(stage: Stage) -> None:
    settings = Settings.model_validate(
        {"stt": {"model": "universal-streaming-english"}, "turns": {"preset": "balanced"}}
    )
    with pytest.raises(Misconfigured, match="works with Universal-3 models only"):
        Listening(settings, stage.speech.stt).change({"prompt": "Names."})


# --- assent


async def speaking(scene: Scene) -> Connection:
    """Begin a call in which the agent has the word."""
    scene.stage.llm.outcomes = [says("Today we have pizza, pasta, and soup."), says("Nothing else.")]
    connection = await scene.begin(waiter())
    scene.stage.session.generate_reply()
    await patiently(scene.speaker.captured.wait())
    scene.speaker.begin_to_play()
    await patiently(scene.speaker.flushed.wait())
    return connection


async def test_assent_while_the_agent_speaks_is_stored_and_neither_interrupts_nor_is_answered(scene: Scene) -> None:
    connection = await speaking(scene)
    await connection.send({"type": "SpeechStarted", "timestamp": 0}, final("Mhm."))
    assert (await scene.stage.recorder.until(UserFinal)).text == "Mhm."
    await let_others_run()
    scene.speaker.play_all()
    said = await scene.stage.recorder.until(AgentSaid)
    assert (said.text, said.interrupted) == ("Today we have pizza, pasta, and soup.", False)
    assert scene.stage.recorder.of(UserTurn) == []
    assert len(scene.stage.llm.requests) == 1


async def test_whatever_says_more_interrupts(scene: Scene) -> None:
    connection = await speaking(scene)
    await connection.send({"type": "SpeechStarted", "timestamp": 0}, final("Mhm, but wait."))
    said = await scene.stage.recorder.until(AgentSaid)
    assert said.interrupted
    assert (await scene.stage.recorder.until(UserTurn)).text == "Mhm, but wait."


async def test_assent_to_an_agent_that_is_silent_is_a_turn(scene: Scene) -> None:
    scene.stage.llm.outcomes = [says("Good.")]
    connection = await scene.begin(waiter())
    await connection.send({"type": "SpeechStarted", "timestamp": 0}, final("Mhm."))
    assert (await scene.stage.recorder.until(UserTurn)).text == "Mhm."


# --- turns.mode vad


async def test_the_local_detection_has_the_recogniser_finish_the_turn(scene: Scene) -> None:
    connection = await scene.begin(waiter())
    session = scene.stage.session
    end_turns_by_silence(session, scene.stage.speech.stt)
    session._update_user_state("speaking")
    session._update_user_state("listening")
    session._update_user_state("away")
    async with asyncio.timeout(5):
        await connection.until(lambda self: {"type": "ForceEndpoint"} in self.messages)
    assert connection.messages.count({"type": "ForceEndpoint"}) == 1
    assert isinstance(scene.stage.speech.stt, RecordingSTT)
