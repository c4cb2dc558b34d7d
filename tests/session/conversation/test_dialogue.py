"""The session is wired for speed and for a complete transcript."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from livekit import rtc
from livekit.agents import Agent
from livekit.agents.voice import io
from livekit.agents.voice.audio_recognition import AudioRecognition
from livekit.agents.voice.events import UserInputTranscribedEvent
from livekit.agents.voice.room_io import AudioInputOptions, TextInputEvent, TextInputOptions, TextOutputOptions

from tests.session.capturing.test_capture import says
from tests.session.conftest import SETTINGS, Stage
from tests.session.memory_audio import Microphone, Speaker
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_server import Connection, final, turn
from tests.speech.scripted_tts import ScriptedTTS
from worker.errors import Misconfigured
from worker.session.conversation.dialogue import NOTHING_PENDING_SECONDS, room_options
from worker.speech.assemblyai import RecordingSTT
from worker.transcript.events import AgentSaid, AgentSentence, ErrorRaised, Note, UserFinal, UserTurn


def waiter() -> Agent:
    return Agent(instructions="Take orders.")


def test_the_stt_alone_ends_turns_and_nothing_is_added_to_its_silence(stage: Stage) -> None:
    options = stage.session.options
    assert options.turn_handling["turn_detection"] == "stt"
    assert options.endpointing["min_delay"] == 0


def test_no_answer_is_asked_for_before_its_turn_is_over(stage: Stage) -> None:
    assert stage.session.options.preemptive_generation["enabled"] is False


def test_the_caller_s_audio_always_reaches_the_stt(stage: Stage) -> None:
    assert stage.session.options.interruption["discard_audio_if_uninterruptible"] is False
    assert stage.session._aec_warmup_remaining == 0


def test_an_outage_does_not_end_the_call_at_once(stage: Stage) -> None:
    assert stage.session.conn_options.max_unrecoverable_errors == 20


# --- the room


class Chain(io.TextOutput):
    def __init__(self) -> None:
        super().__init__(label="Chain", next_in_chain=None)

    async def capture_text(self, text: str) -> None: ...

    def flush(self) -> None: ...


@pytest.mark.parametrize("wanted", [False, True])
async def test_quiet_sound_is_made_louder_only_where_that_is_set(recorder: MemoryRecorder, wanted: bool) -> None:
    options = room_options(recorder, "ada", Chain(), gain_control=wanted)
    assert isinstance(options.audio_input, AudioInputOptions)
    assert options.audio_input.auto_gain_control is wanted


async def test_audio_comes_in_as_the_stt_takes_it_and_only_people_are_listened_to(recorder: MemoryRecorder) -> None:
    options = room_options(recorder, "", Chain())
    assert isinstance(options.audio_input, AudioInputOptions)
    assert options.audio_input.sample_rate == 16_000
    assert rtc.ParticipantKind.PARTICIPANT_KIND_AGENT not in options.participant_kinds
    assert room_options(recorder, "ada", Chain()).participant_identity == "ada"


async def test_what_is_played_is_told_after_the_room(recorder: MemoryRecorder) -> None:
    heard = Chain()
    output = room_options(recorder, "", heard).text_output
    assert isinstance(output, TextOutputOptions)
    assert output.next_in_chain is heard


async def chat(stage: Stage, text: str) -> None:
    options = room_options(stage.recorder, "caller", stage.capture.heard).text_input
    assert isinstance(options, TextInputOptions)
    took = options.text_input_cb(stage.session, TextInputEvent(text=text))
    assert took is not None
    await took


async def test_what_is_typed_is_accepted_before_the_llm_sees_it(stage: Stage) -> None:
    stage.llm.outcomes = [says("Two it is.")]
    await stage.session.start(waiter())
    stage.recorder.hold()
    typing = asyncio.create_task(chat(stage, "Two pizzas, please."))
    assert await stage.recorder.until(UserFinal) == UserFinal(
        participant="caller", text="Two pizzas, please.", source="chat"
    )
    await let_others_run()
    assert stage.llm.requests == []
    assert stage.recorder.of(UserTurn) == []
    stage.recorder.release()
    await typing
    await stage.recorder.until(AgentSaid)
    (request,) = stage.llm.requests
    assert request["user"] == ["Two pizzas, please."]


# --- a spoken turn


async def test_a_spoken_turn_is_on_disk_before_the_llm_is_asked(stage: Stage) -> None:
    async def listens(connection: Connection) -> None:
        await connection.begin()
        await connection.until(lambda self: bool(self.chunks))
        await connection.send({"type": "SpeechStarted", "timestamp": 0}, turn("two"), final("Two pizzas, please."))
        await connection.end()

    stage.llm.outcomes = [says("Two it is.")]
    stage.server.steps = [listens]
    stage.session.input.audio = Microphone()
    stage.recorder.hold()
    await stage.session.start(waiter())
    await stage.recorder.until(UserFinal)
    await let_others_run()
    assert stage.llm.requests == []
    stage.recorder.release()
    said = await stage.recorder.until(AgentSaid)
    assert said.text == "Two it is."
    (request,) = stage.llm.requests
    assert request["user"] == ["Two pizzas, please."]
    assert [each.text for each in stage.recorder.of(UserTurn)] == ["Two pizzas, please."]


# --- the end


async def test_an_agent_that_ends_the_session_says_goodbye(stage: Stage) -> None:
    await stage.session.start(waiter())
    assert not stage.session.said_goodbye
    closed = asyncio.Event()
    stage.session.on("close", lambda _: closed.set())
    stage.session.shutdown()
    async with asyncio.timeout(PATIENCE_S):
        await closed.wait()
    assert stage.session.said_goodbye


async def test_a_session_that_is_closed_from_outside_does_not(stage: Stage) -> None:
    await stage.session.start(waiter())
    await stage.session.aclose()
    assert not stage.session.said_goodbye


def heard(text: str, *, is_final: bool) -> UserInputTranscribedEvent:
    return UserInputTranscribedEvent(transcript=text, is_final=is_final)


async def test_a_close_is_patient_only_while_words_wait_for_their_final(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = SETTINGS.turns.last_words_timeout / 1000
    assert stage.session.options.session_close_transcript_timeout == NOTHING_PENDING_SECONDS
    monkeypatch.setattr(RecordingSTT, "words_pending", True)
    stage.session.emit("user_input_transcribed", heard("two", is_final=False))
    assert stage.session.options.session_close_transcript_timeout == patience
    monkeypatch.setattr(RecordingSTT, "words_pending", False)
    stage.session.emit("user_input_transcribed", heard("Two.", is_final=True))
    assert stage.session.options.session_close_transcript_timeout == NOTHING_PENDING_SECONDS


async def test_a_close_is_patient_while_the_caller_speaks(stage: Stage) -> None:
    await stage.session.start(waiter())
    stage.session._update_user_state("speaking")
    assert stage.session.options.session_close_transcript_timeout == SETTINGS.turns.last_words_timeout / 1000
    stage.session._update_user_state("listening")
    assert stage.session.options.session_close_transcript_timeout == NOTHING_PENDING_SECONDS


async def test_the_framework_reads_the_patience_when_it_closes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins `session.options` being the live options: it is bent in `worker/session/conversation/dialogue.py`."""
    given: list[object] = []
    original = AudioRecognition._commit_user_turn

    def commit(self: AudioRecognition, **options: object) -> object:
        given.append(options["transcript_timeout"])
        return original(self, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(AudioRecognition, "_commit_user_turn", commit)
    stage.session.input.audio = Microphone()
    await stage.session.start(waiter())
    stage.session.options.session_close_transcript_timeout = 0.0625
    await stage.session.aclose()
    assert given == [0.0625]


# --- nothing passes the journal


async def test_a_hand_over_to_an_agent_with_parts_of_its_own_is_refused_and_told(stage: Stage) -> None:
    await stage.session.start(waiter())
    before = stage.session.current_agent

    with pytest.raises(Misconfigured, match="The agent Agent brings its own tts"):
        stage.session.update_agent(Agent(instructions="Take over.", tts=ScriptedTTS()))

    assert stage.session.current_agent is before
    assert [event.code for event in stage.recorder.of(ErrorRaised)] == ["own_parts"]


async def test_a_remark_of_the_agent_s_own_is_written_in_its_place(stage: Stage) -> None:
    await stage.session.start(waiter())
    stage.recorder.hold()
    noted = asyncio.ensure_future(stage.session.note("consent given"))
    assert stage.recorder.of(Note) == [Note(text="consent given")]
    await let_others_run()
    assert not noted.done()
    stage.recorder.release()
    await noted


async def _beep() -> AsyncIterator[rtc.AudioFrame]:
    yield rtc.AudioFrame(bytes(4800), 24_000, 1, 2400)


async def test_ready_made_audio_is_played_only_once_its_text_is_accepted(stage: Stage) -> None:
    speaker = Speaker()
    stage.session.output.audio = speaker
    await stage.session.start(waiter())
    stage.recorder.hold()
    handle = stage.session.say("Please hold the line.", audio=_beep())
    await stage.recorder.until(AgentSentence)
    await let_others_run()
    assert not speaker.captured.is_set()

    stage.recorder.release()
    await speaker.flushed.wait()
    speaker.play_all()
    await handle
    assert [(event.text, event.speech) for event in stage.recorder.of(AgentSentence)] == [
        ("Please hold the line.", handle.id)
    ]


async def test_the_recogniser_is_told_when_the_caller_speaks(stage: Stage) -> None:
    await stage.session.start(waiter())
    assert not stage.speech.stt.caller_speaks
    stage.session._update_user_state("speaking")
    assert stage.speech.stt.caller_speaks
    stage.session._update_user_state("listening")
    assert not stage.speech.stt.caller_speaks
