"""The AgentSession of a call, wired for speed and for a complete transcript.

The options that matter (livekit-agents 1.8.9; `voice/agent_session.py`, `voice/turn.py`):

* `turn_detection` is given, for its absence loads LiveKit's own end-of-turn model;
* `endpointing.min_delay` 0, for AssemblyAI has already waited, and the framework adds its own 0.5 s;
* `aec_warmup_duration` and `discard_audio_if_uninterruptible` off, for they replace the caller's audio
  by silence on its way to the STT;
* `preemptive_generation` off: with the plugin's early signs it doubles the LLM calls and gains nothing.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from livekit import rtc
from livekit.agents import Agent, AgentSession, RunContext, UserStateChangedEvent, room_io, vad
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import is_given
from livekit.agents.voice import SpeechHandle, io
from livekit.agents.voice.agent_session import SessionConnectOptions

from config import Settings
from worker.errors import Misconfigured
from worker.session.conversation.agents import refuse_own_parts
from worker.session.conversation.chat import Chat
from worker.session.conversation.keypad import Keypad
from worker.session.conversation.listening import Listening, disregard_assent, end_turns_by_silence
from worker.session.conversation.mcp import mcp_tools
from worker.speech.providers import SAMPLE_RATE, Speech
from worker.speech.recorder import Recorder
from worker.transcript.events import AgentSentence, ErrorRaised, Note

NOTHING_PENDING_SECONDS: Final = 0.1
"""Wait for last words at the close when none are pending: two of the chunks in which audio is sent. Words that
are recognised later still come with the STT's farewell."""

UNRECOVERABLE_ERRORS: Final = 20
"""Failures of one service in a row that end the call; the framework's 3 are an outage of 18 s."""


class CallSession(AgentSession[Any]):
    """An AgentSession that lets nothing pass the journal, and knows whether the agent itself ended it."""

    def __init__(self, recorder: Recorder, listening: Listening, **options: Any) -> None:
        super().__init__(**options)
        self._recorder = recorder
        self._listening = listening
        self.said_goodbye = False
        self.keypad = Keypad()
        """The keys that the caller presses on a phone."""
        self.closing: Callable[[], None] = lambda: None
        """Called when the session is told to close."""

    def dictation(self, on: bool) -> None:
        """Give a caller time to read out a number or spell a name, or end that.

        A turn then ends after `turns.dictation_min_turn_silence` and `turns.dictation_max_turn_silence`.
        """
        self._listening.dictation(on)

    def listen_for(
        self,
        *,
        keyterms: Sequence[str] | None = None,
        prompt: str | None = None,
        language_codes: Sequence[str] | None = None,
        min_turn_silence: int | None = None,
        max_turn_silence: int | None = None,
    ) -> None:
        """Change from now on what the recogniser expects, and when it takes a turn to be over.

        What is not given stays as it is; an empty list or text takes the setting back.

        Args:
            keyterms: as `stt.keyterms`, such as the caller's name and order numbers.
            prompt: as `stt.prompt`.
            language_codes: as `stt.language_codes`.
            min_turn_silence: as `turns.min_turn_silence`, milliseconds.
            max_turn_silence: as `turns.max_turn_silence`, milliseconds.

        Raises:
            Misconfigured: a value is not possible, or not with the model; nothing has changed.
        """
        given = {
            "keyterms": None if keyterms is None else tuple(keyterms),
            "prompt": prompt,
            "language_codes": None if language_codes is None else tuple(language_codes),
            "min_turn_silence": min_turn_silence,
            "max_turn_silence": max_turn_silence,
        }
        if changes := {name: value for name, value in given.items() if value is not None}:
            self._listening.change(changes)

    def update_agent(self, agent: Agent) -> None:
        """Hand over to `agent`, unless it brings parts of its own.

        Raises:
            Misconfigured: it does; the agent before it goes on.
        """
        try:
            refuse_own_parts(agent, f"The agent {type(agent).__name__}")
        except Misconfigured as refusal:
            self._recorder.append(ErrorRaised(source="agent", code="own_parts", message=str(refusal)))
            raise
        super().update_agent(agent)

    def say(
        self,
        text: str | AsyncIterable[str],
        *,
        audio: NotGivenOr[AsyncIterable[rtc.AudioFrame]] = NOT_GIVEN,
        allow_interruptions: NotGivenOr[bool] = NOT_GIVEN,
        add_to_chat_ctx: bool = True,
    ) -> SpeechHandle:
        """Say `text`; ready-made `audio` of it passes no TTS, and is played once `text` is accepted."""
        if is_given(audio):
            if isinstance(text, str):
                audio = self._after_acceptance(text, audio)
            else:
                text = self._journaled(text)
        return super().say(text, audio=audio, allow_interruptions=allow_interruptions, add_to_chat_ctx=add_to_chat_ctx)

    async def _after_acceptance(self, text: str, audio: AsyncIterable[rtc.AudioFrame]) -> AsyncIterator[rtc.AudioFrame]:
        await self._recorder.append(AgentSentence(speech=self._recorder.speech, text=text))
        async for frame in audio:
            yield frame

    async def _journaled(self, text: AsyncIterable[str]) -> AsyncIterator[str]:
        async for piece in text:
            await self._recorder.append(AgentSentence(speech=self._recorder.speech, text=piece))
            yield piece

    def idempotency_key(self, context: RunContext[Any]) -> str:
        """Return the key of the tool call that runs in `context`, for whatever the tool asks to do its work.

        It is another one for each call, and the same where a call that a crash cut off is made again with the same
        arguments (`worker.session.resuming.idempotency`).
        """
        return self._recorder.tool_key(context.function_call.call_id)

    def note(self, text: str) -> Awaitable[object]:
        """Put a remark of the agent's own into the transcript, at this moment of the call.

        Args:
            text: what the reader is told, such as "consent given".

        Returns:
            Done when the remark is on disk; it need not be awaited.
        """
        return self._recorder.append(Note(text=text))

    def shutdown(self, *, drain: bool = True) -> None:
        """Close the session soon; how an agent, or a tool of its, ends a call."""
        self.said_goodbye = True
        self.closing()
        super().shutdown(drain=drain)

    def end(self) -> None:
        """Close the session soon, for a reason that is not the agent's own."""
        self.closing()
        super().shutdown(drain=False)


def build_session(settings: Settings, speech: Speech, local_vad: vad.VAD, recorder: Recorder) -> CallSession:
    """Return the session for one call, not started."""
    turns = settings.turns
    session = CallSession(
        recorder,
        Listening(settings, speech.stt),
        stt=speech.stt,
        llm=speech.llm,
        tts=speech.tts,
        vad=local_vad,
        tools=mcp_tools(settings, recorder),
        turn_handling={
            "turn_detection": turns.mode,
            "endpointing": {"mode": "fixed", "min_delay": turns.endpointing_min_delay / 1000},
            "interruption": {
                "enabled": turns.interruptions,
                "mode": "vad",
                "min_duration": turns.interruption_min_duration / 1000,
                "min_words": turns.interruption_min_words,
                "false_interruption_timeout": turns.false_interruption_timeout / 1000 or None,
                "resume_false_interruption": turns.resume_false_interruption,
                "discard_audio_if_uninterruptible": False,
            },
            "preemptive_generation": {"enabled": False},
        },
        stt_context_options={"forward_chat_context": settings.stt.forward_chat_context},
        aec_warmup_duration=None,
        session_close_transcript_timeout=NOTHING_PENDING_SECONDS,
        conn_options=SessionConnectOptions(max_unrecoverable_errors=UNRECOVERABLE_ERRORS),
    )
    if turns.mode == "vad":
        end_turns_by_silence(session, speech.stt)
    disregard_assent(session, speech.stt, turns.backchannels)
    _be_patient_with_last_words(session, speech, turns.last_words_timeout / 1000)
    _tell_when_the_caller_speaks(session, speech)
    return session


def room_options(
    recorder: Recorder,
    participant: str,
    heard: io.TextOutput,
    chat: Chat | None = None,
    *,
    gain_control: bool = False,
) -> room_io.RoomOptions:
    """Return how the session uses the room: audio and chat in, audio and captions out.

    Args:
        recorder: takes what is typed.
        participant: identity of the caller, if there is one yet; otherwise the first who comes.
        heard: takes the captions as they are played, after the room.
        chat: takes what is typed, where it is not taken at once.
        gain_control: whether quiet sound is made louder; the framework's own default does so.
    """
    chat = chat or Chat(recorder)
    chat.participant = participant
    options = room_io.RoomOptions(
        audio_input=room_io.AudioInputOptions(sample_rate=SAMPLE_RATE, auto_gain_control=gain_control),
        text_input=room_io.TextInputOptions(text_input_cb=chat.take),
        text_output=room_io.TextOutputOptions(next_in_chain=heard),
        participant_kinds=[
            rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
            rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
            rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
        ],
    )
    if participant:
        options.participant_identity = participant
    return options


def _be_patient_with_last_words(session: CallSession, speech: Speech, patience: float) -> None:
    """Let a close wait long only while the caller speaks, or words wait for their final.

    The framework reads the option when it closes, and waits all of it whenever no final comes.
    """

    def set_patience(_: object) -> None:
        pending = speech.stt.words_pending or session.user_state == "speaking"
        session.options.session_close_transcript_timeout = patience if pending else NOTHING_PENDING_SECONDS

    session.on("user_input_transcribed", set_patience)
    session.on("user_state_changed", set_patience)


def _tell_when_the_caller_speaks(session: CallSession, speech: Speech) -> None:
    """Let the STT know what the local voice detection hears, so that it notices a server that hears nothing."""

    def tell(event: UserStateChangedEvent) -> None:
        speech.stt.caller_speaks = event.new_state == "speaking"

    session.on("user_state_changed", tell)
