"""Each piece of an answer is journaled under its own speech, also one that waits for its turn."""

from livekit.agents import Agent

from tests.session.capturing.test_capture import says
from tests.session.conftest import Stage
from tests.session.memory_audio import Speaker
from worker.transcript.events import AgentSaid, AgentSentence


async def test_a_speech_that_is_made_while_another_is_played_keeps_its_own_sentences(stage: Stage) -> None:
    speaker = Speaker()
    stage.llm.outcomes = [says("Here I am.")]
    stage.session.output.audio = speaker
    await stage.session.start(Agent(instructions="Take orders."))
    first = stage.session.say("One moment please.")
    await speaker.flushed.wait()
    second = stage.session.generate_reply(user_input="Hello?")
    await stage.recorder.until(AgentSentence, 2)
    speaker.play_all()
    await first
    await speaker.flushed.wait()
    speaker.play_all()
    await second

    sentences = {event.text: event.speech for event in stage.recorder.of(AgentSentence)}
    said = {event.text: event.speech for event in stage.recorder.of(AgentSaid)}
    assert sentences == said == {"One moment please.": first.id, "Here I am.": second.id}


async def test_outside_of_any_speech_there_is_none(stage: Stage) -> None:
    await stage.session.start(Agent(instructions="Take orders."))
    assert stage.recorder.speech is None
