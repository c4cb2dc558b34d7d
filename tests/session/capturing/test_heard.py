"""What was played so far is journaled while it is played."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.agents import Agent
from livekit.agents.voice.transcription import TranscriptSynchronizer

from tests.session.capturing.test_capture import says
from tests.session.conftest import Stage
from tests.session.memory_audio import Speaker
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder
from tests.speech.virtual_clock import VirtualClock
from tests.transcript.journals import told
from worker.session.capturing.heard import Heard
from worker.speech import paced
from worker.transcript.events import AgentHeard, AgentSaid, AgentSentence


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    clock = VirtualClock()
    monkeypatch.setattr(paced, "asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    return clock


class Playing:
    """The session, as far as it says which speech is played."""

    def __init__(self) -> None:
        self.current_speech: Any = None

    def play(self, speech: str | None) -> None:
        self.current_speech = speech and SimpleNamespace(id=speech)


@pytest.fixture
def playing() -> Playing:
    return Playing()


@pytest.fixture
def heard(playing: Playing, recorder: MemoryRecorder) -> Heard:
    return Heard(cast("Any", playing), recorder)


def written(recorder: MemoryRecorder) -> list[tuple[str | None, str]]:
    return [(event.speech, event.text) for event in recorder.of(AgentHeard)]


async def test_the_text_so_far_is_written_twice_a_second_at_most_and_the_newest_always(
    heard: Heard, playing: Playing, recorder: MemoryRecorder, clock: VirtualClock
) -> None:
    playing.play("speech-1")
    for word in ("We", " have", " two", " left."):
        await heard.capture_text(word)
        clock.advance(0.2)
    assert written(recorder) == [("speech-1", "We"), ("speech-1", "We have two")]
    clock.advance(0.5)
    assert written(recorder)[2:] == [("speech-1", "We have two left.")]
    clock.advance(5)
    assert len(written(recorder)) == 3


async def test_nothing_follows_what_the_speech_was_said_to_be(
    heard: Heard, playing: Playing, recorder: MemoryRecorder, clock: VirtualClock
) -> None:
    playing.play("speech-1")
    await heard.capture_text("We")
    await heard.capture_text(" have")
    heard.said("speech-1")
    playing.play("speech-2")
    await heard.capture_text(" two left.")
    heard.flush()
    clock.advance(5)
    assert written(recorder) == [("speech-1", "We")]
    await heard.capture_text("Anything")
    clock.advance(5)
    assert written(recorder)[1:] == [("speech-2", "Anything")]


async def test_a_speech_of_several_segments_is_one_text(
    heard: Heard, playing: Playing, recorder: MemoryRecorder, clock: VirtualClock
) -> None:
    playing.play("speech-1")
    await heard.capture_text("One moment.")
    heard.flush()
    clock.advance(5)
    await heard.capture_text(" We have two.")
    clock.advance(5)
    assert written(recorder)[-1] == ("speech-1", "One moment. We have two.")


async def test_an_answer_after_a_tool_does_not_repeat_what_was_said_before_it(
    heard: Heard, playing: Playing, recorder: MemoryRecorder, clock: VirtualClock
) -> None:
    playing.play("speech-1")
    await heard.capture_text("One moment.")
    heard.flush()
    heard.said("speech-1")
    clock.advance(5)
    await heard.capture_text("We have two.")
    assert written(recorder)[-1] == ("speech-1", "We have two.")


async def test_words_that_wait_are_written_before_those_of_the_next_speech(
    heard: Heard, playing: Playing, recorder: MemoryRecorder, clock: VirtualClock
) -> None:
    playing.play("speech-1")
    await heard.capture_text("We")
    await heard.capture_text(" have")
    playing.play("speech-2")
    await heard.capture_text("Anything")
    clock.advance(5)
    assert written(recorder) == [("speech-1", "We"), ("speech-1", "We have"), ("speech-2", "Anything")]


async def test_what_waits_is_written_at_the_end_and_nothing_after_it(
    heard: Heard, playing: Playing, recorder: MemoryRecorder, clock: VirtualClock
) -> None:
    playing.play("speech-1")
    await heard.capture_text("We")
    await heard.capture_text(" have")
    heard.close()
    assert written(recorder) == [("speech-1", "We"), ("speech-1", "We have")]
    await heard.capture_text(" two")
    clock.advance(5)
    assert len(written(recorder)) == 2


# --- in a session


@pytest.fixture
async def speaker(stage: Stage) -> Speaker:
    """A loudspeaker, and captions that are synchronised with it as in a room."""
    speaker = Speaker()
    synchronised = TranscriptSynchronizer(next_in_chain_audio=speaker, next_in_chain_text=stage.capture.heard)
    stage.session.output.audio = synchronised.audio_output
    stage.session.output.transcription = synchronised.text_output
    await stage.session.start(Agent(instructions="Take orders."))
    return speaker


async def test_an_answer_in_its_middle_shows_what_was_played(stage: Stage, speaker: Speaker) -> None:
    stage.llm.outcomes = [says("We have two tables left for tonight.")]
    handle = stage.session.generate_reply(user_input="A table, please.")
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
    assert stage.recorder.of(AgentHeard) == []
    speaker.begin_to_play()
    heard = await stage.recorder.until(AgentHeard)
    assert heard.speech == handle.id == stage.recorder.of(AgentSentence)[0].speech
    assert heard.text
    assert "We have two tables left for tonight.".startswith(heard.text)
    if_it_died_now = told(*enumerate(stage.recorder.events, start=1))
    (cut,) = [turn for turn in if_it_died_now.turns if turn.role == "agent"]
    assert (cut.text, cut.interrupted) == (heard.text, True)
    assert f"{cut.text} {cut.unplayed_text}" == "We have two tables left for tonight."
    speaker.play_all()
    said = await stage.recorder.until(AgentSaid)
    await handle
    assert said.text == "We have two tables left for tonight."
    stage.capture.end()  # which writes what waits
    kinds = [type(event) for event in stage.recorder.events]
    assert AgentHeard not in kinds[kinds.index(AgentSaid) :]


async def _beep() -> AsyncIterator[rtc.AudioFrame]:
    yield rtc.AudioFrame(bytes(48_000), 24_000, 1, 24_000)


async def test_ready_made_audio_is_heard_as_well(stage: Stage, speaker: Speaker) -> None:
    handle = stage.session.say("Please hold the line.", audio=_beep())
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
        speaker.begin_to_play()
        heard = await stage.recorder.until(AgentHeard)
        assert heard.speech == handle.id
        assert "Please hold the line.".startswith(heard.text)
        speaker.play_all()
        await handle
    (said,) = stage.recorder.of(AgentSaid)
    assert said.text == "Please hold the line."


async def test_words_that_wait_when_the_session_ends_are_written(stage: Stage, speaker: Speaker) -> None:
    stage.session.say("Please hold the line.")
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
    await stage.capture.heard.capture_text("Please")
    await stage.capture.heard.capture_text(" hold")
    stage.capture.end()
    assert [event.text for event in stage.recorder.of(AgentHeard)] == ["Please", "Please hold"]


async def test_what_was_said_past_the_llms_memory_and_cut_tells_what_was_played(stage: Stage, speaker: Speaker) -> None:
    handle = stage.session.say("Please hold the line for a moment.", add_to_chat_ctx=False)
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
    speaker.begin_to_play()
    heard = await stage.recorder.until(AgentHeard)
    await stage.session.interrupt()
    await handle
    (said,) = stage.recorder.of(AgentSaid)
    assert (said.speech, said.interrupted) == (handle.id, True)
    assert said.text.startswith(heard.text)


async def test_what_was_said_past_the_llms_memory_is_all_there(stage: Stage, speaker: Speaker) -> None:
    handle = stage.session.say("Please hold the line.", add_to_chat_ctx=False)
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
        speaker.begin_to_play()
        speaker.play_all()
        await handle
        while stage.recorder.of(AgentHeard)[-1:] == [] or stage.recorder.of(AgentHeard)[-1].text[-1] != ".":
            await stage.recorder.until(AgentHeard, len(stage.recorder.of(AgentHeard)) + 1)
    assert stage.recorder.of(AgentHeard)[-1] == AgentHeard(speech=handle.id, text="Please hold the line.")
