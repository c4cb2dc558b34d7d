"""Whatever the session does with the caller's words, they are in the transcript.

The framework's own history lacks all of these (livekit-agents 1.8.9): words during speech that may not be
interrupted, when a hook fails, without an answer, during a hand-off, and while the session closes.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import Agent, APIStatusError, CloseReason, StopResponse, llm

from tests.session.capturing.test_capture import calls, says
from tests.session.conftest import Stage
from tests.session.memory_audio import Microphone, Speaker
from tests.session.scene import SAID, WORDS, Scene, patiently, waiter
from tests.speech.scripted_server import TERMINATION, Connection, final, turn
from worker.transcript.events import AgentChanged, AgentSaid, AgentSentence, UserFinal, UserInterim, UserTurn


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage, Speaker())


async def _more_audio(connection: Connection) -> None:
    """Let a while of the call pass."""
    before = len(connection.chunks)
    await connection.until(lambda self: len(self.chunks) > before + 2)


class Unstoppable(Agent):
    async def on_enter(self) -> None:
        self.session.say("This call is recorded.", allow_interruptions=False)


async def test_words_during_a_speech_that_may_not_be_interrupted(scene: Scene) -> None:
    connection = await scene.begin(Unstoppable(instructions="Take orders."))
    await patiently(scene.speaker.flushed.wait())
    scene.speaker.begin_to_play()
    before = len(connection.chunks)
    await _more_audio(connection)
    assert all(any(chunk) for chunk in connection.chunks[before:]), "the recogniser was given silence"
    await scene.say(connection)
    scene.assert_all_of_it_is_there()


class Raises(Agent):
    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        raise ValueError("no kitchen")


class Stops(Agent):
    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        raise StopResponse


class Misnamed(Agent):
    async def on_user_turn_completed(self, context: Any, message: Any) -> None:  # type: ignore[override]
        """The framework passes both by other names."""


class Speechless(Agent):
    def llm_node(self, chat_ctx: Any, tools: Any, model_settings: Any) -> Any:
        return None


class Asks(Agent):
    """Asks nobody what to answer."""

    async def llm_node(self, chat_ctx: Any, tools: Any, model_settings: Any) -> Any:
        return "Coming right up."


@pytest.mark.parametrize("agent", [Raises, Stops, Misnamed, Speechless, Asks])
async def test_words_that_reach_no_llm(scene: Scene, agent: Callable[..., Agent]) -> None:
    connection = await scene.begin(agent(instructions="Take orders."))
    await scene.say(connection)
    await scene.stage.session.aclose()
    assert scene.stage.llm.requests == []
    scene.assert_all_of_it_is_there()


@pytest.mark.parametrize(
    "outcome",
    [APIStatusError("no", status_code=400, retryable=False), None],
    ids=["an llm that fails", "an llm that never answers"],
)
async def test_words_that_get_no_answer(scene: Scene, outcome: Exception | None) -> None:
    scene.stage.llm.outcomes = [outcome]
    connection = await scene.begin(waiter())
    await scene.say(connection)
    await patiently(scene.stage.llm.attempted.wait())
    await scene.stage.session.aclose()
    scene.assert_all_of_it_is_there()


async def test_words_that_interrupt_the_agent(scene: Scene) -> None:
    scene.stage.llm.outcomes = [says("Two it is.")]
    connection = await scene.begin(waiter())
    handle = scene.stage.session.say("We have salami, cheese and mushrooms.")
    await patiently(scene.speaker.flushed.wait())
    scene.speaker.begin_to_play()
    await scene.say(connection)
    cut = await scene.stage.recorder.until(AgentSaid)
    assert (cut.speech, cut.interrupted) == (handle.id, True)
    await patiently(scene.speaker.flushed.wait())
    scene.speaker.play_all()
    await scene.stage.recorder.until(AgentSaid, 2)
    scene.assert_all_of_it_is_there()


class Lingers(Agent):
    """Hands over, and takes its time to leave."""

    def __init__(self, leaving: asyncio.Event, left: asyncio.Event) -> None:
        super().__init__(instructions="Take orders.")
        self._leaving, self._left = leaving, left

    @llm.function_tool
    async def pass_on(self) -> Agent:
        """Hand over."""
        return waiter()

    async def on_exit(self) -> None:
        self._leaving.set()
        await self._left.wait()


async def test_words_during_a_hand_off(scene: Scene) -> None:
    leaving, left = asyncio.Event(), asyncio.Event()
    scene.stage.llm.outcomes = [calls("pass_on")]
    connection = await scene.begin(Lingers(leaving, left))
    handle = scene.stage.session.generate_reply(user_input="Somebody else, please.")
    await patiently(leaving.wait())
    await scene.say(connection)
    left.set()
    await patiently(scene.stage.recorder.until(AgentChanged))
    await patiently(handle)
    turns = [turn.text for turn in scene.transcript().turns if turn.role == "user"]
    assert SAID in " ".join(turns)
    await scene.stage.session.aclose()


async def test_words_that_are_recognised_while_the_session_closes(scene: Scene) -> None:
    async def answers_terminate_with_words(connection: Connection) -> None:
        await connection.begin()
        await connection.until_terminate()
        await connection.send(WORDS, TERMINATION)

    scene.stage.server.steps = [answers_terminate_with_words]
    scene.stage.session.input.audio = Microphone(level=100)
    await scene.stage.session.start(waiter())
    connection = await scene.stage.server.connection()
    await connection.until(lambda self: bool(self.chunks))
    await scene.stage.session.aclose()
    await scene.stage.speech.aclose()
    scene.assert_all_of_it_is_there()


async def test_the_last_words_of_a_session_that_ends_in_error(scene: Scene) -> None:
    connection = await scene.begin(waiter())
    await connection.send(turn("Two"))
    await scene.stage.recorder.until(UserInterim)
    await connection.send(turn("Two pizzas"))
    closed = asyncio.Event()
    scene.stage.session.on("close", lambda _: closed.set())
    connection.drop()
    scene.stage.server.steps = [401]
    await patiently(scene.stage.recorder.until(UserInterim, 2))
    scene.stage.session._close_soon(reason=CloseReason.ERROR, drain=False)
    await patiently(closed.wait())
    turn_ = scene.user_turn()
    assert (turn_.text, turn_.unfinished) == ("Two pizzas", True)


# --- an agent that overrides everything


class Own(Agent):
    """Overrides every node; each goes on as the framework's own does."""

    def __init__(self, seen: list[str], hands_over_to: "Own | None" = None) -> None:
        super().__init__(instructions="Take orders.")
        self.seen = seen
        self._next = hands_over_to

    async def on_enter(self) -> None:
        self.seen.append("on_enter")

    async def on_exit(self) -> None:
        self.seen.append("on_exit")

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        self.seen.append("on_user_turn_completed")

    async def stt_node(self, audio: Any, model_settings: Any) -> Any:
        self.seen.append("stt_node")
        async for event in Agent.default.stt_node(self, audio, model_settings):
            yield event

    async def llm_node(self, chat_ctx: Any, tools: Any, model_settings: Any) -> Any:
        self.seen.append("llm_node")
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            yield chunk

    async def tts_node(self, text: Any, model_settings: Any) -> Any:
        self.seen.append("tts_node")
        async for frame in Agent.default.tts_node(self, text, model_settings):
            yield frame

    async def transcription_node(self, text: Any, model_settings: Any) -> Any:
        self.seen.append("transcription_node")
        async for piece in text:
            yield piece

    @llm.function_tool
    async def pass_on(self) -> Agent:
        """Hand over."""
        assert self._next is not None
        return self._next


NODES = {"stt_node", "llm_node", "tts_node", "transcription_node", "on_user_turn_completed", "on_enter"}


async def test_an_agent_that_overrides_every_node_is_written_ahead_before_and_after_a_hand_off(scene: Scene) -> None:
    recorder, model, voice = scene.stage.recorder, scene.stage.llm, scene.stage.tts
    first: list[str] = []
    second: list[str] = []
    model.outcomes = [says("Two it is."), calls("pass_on"), says("Here I am.")]
    connection = await scene.begin(Own(first, hands_over_to=Own(second)))

    recorder.hold()
    await connection.send({"type": "SpeechStarted", "timestamp": 0}, WORDS)
    await recorder.until(UserFinal)
    await _more_audio(connection)
    assert model.requests == [] and recorder.of(UserTurn) == []
    recorder.release()
    await patiently(scene.speaker.flushed.wait())
    assert [each.text for each in recorder.of(AgentSentence)] == voice.spoken == ["Two it is."]
    scene.speaker.play_all()
    await recorder.until(AgentSaid)
    assert set(first) == NODES

    handing_over = scene.stage.session.generate_reply(user_input="Somebody else, please.")
    await patiently(handing_over)
    await patiently(recorder.until(AgentChanged))
    again = await scene.stage.server.connection(2)
    await again.until(lambda self: bool(self.chunks))
    recorder.hold()
    await again.send({"type": "SpeechStarted", "timestamp": 0}, final("Is anybody there?", turn_order=1))
    await recorder.until(UserFinal, 2)
    await _more_audio(again)
    assert len(model.requests) == 2
    recorder.release()
    await patiently(recorder.until(AgentSentence, 2))
    await patiently(scene.speaker.flushed.wait())
    scene.speaker.play_all()
    await recorder.until(AgentSaid, 2)
    assert set(second) == NODES
    assert model.requests[-1]["user"][-1] == "Is anybody there?"
    assert [each.text for each in recorder.of(AgentSentence)] == voice.spoken == ["Two it is.", "Here I am."]


class OwnVoice(Agent):
    """Makes its audio itself: only the session's history knows what it says."""

    async def tts_node(self, text: Any, model_settings: Any) -> Any:
        async for _ in text:
            yield rtc.AudioFrame(bytes(4800), 24_000, 1, 2400)


class Deaf(Agent):
    """Keeps from the session what the caller says."""

    async def stt_node(self, audio: Any, model_settings: Any) -> Any:
        async for event in Agent.default.stt_node(self, audio, model_settings):
            if not event.alternatives:
                yield event


async def test_what_an_agent_says_with_a_voice_of_its_own_is_there_when_it_is_said(scene: Scene) -> None:
    scene.stage.llm.outcomes = [says("Two it is.")]
    connection = await scene.begin(OwnVoice(instructions="Take orders."))
    await scene.say(connection)
    await patiently(scene.speaker.flushed.wait())
    assert scene.stage.recorder.of(AgentSentence) == []
    scene.speaker.play_all()
    await scene.stage.recorder.until(AgentSaid)
    assert [turn.text for turn in scene.transcript().turns if turn.role == "agent"] == ["Two it is."]
    assert scene.stage.tts.spoken == []


async def test_words_that_the_agent_drops_are_there(scene: Scene) -> None:
    connection = await scene.begin(Deaf(instructions="Take orders."))
    await scene.say(connection)
    await scene.stage.session.aclose()
    assert scene.stage.recorder.of(UserTurn) == []
    scene.assert_all_of_it_is_there()
