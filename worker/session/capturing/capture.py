"""What the session says of itself, as journal events."""

import ast
import re
from dataclasses import replace
from typing import Any

from livekit.agents import (
    AgentHandoff,
    AgentSession,
    AgentStateChangedEvent,
    ChatMessage,
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    SessionUsageUpdatedEvent,
    SpeechCreatedEvent,
    ToolExecutionUpdatedEvent,
)
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.events import ToolCallEnded, ToolCallStarted

from worker.session.capturing.heard import Heard
from worker.session.capturing.usage import usage_reported
from worker.session.conversation.agents import CANNOT_COME_BACK, has_conversation, maker
from worker.session.resuming.snapshots import Snapshots
from worker.speech.catalogue import error_raised
from worker.speech.failures import code_of_report
from worker.speech.paced import Paced
from worker.speech.recorder import Recorder
from worker.transcript.events import (
    AgentChanged,
    AgentSaid,
    ToolReturned,
    TurnLatency,
    UserTurn,
)

LONGEST_ANSWER_MS = 60_000
"""What took longer was no answer to the last word."""

USAGE_SECONDS = 10.0
"""What was used is journaled at most once in this time: a crash loses the count of so much."""

_AGENT = re.compile(r"<(?:[\w.<>]+\.)?(\w+) object at 0x[0-9a-f]+>")
"""How an agent that a tool hands over to shows in the tool's result: the class says enough."""


class Capture:
    """Listens to one AgentSession, from before its start until after its close."""

    def __init__(self, session: AgentSession[Any], recorder: Recorder) -> None:
        self._session = session
        self._recorder = recorder
        self.heard = Heard(session, recorder)
        """Takes the words that were played; the last in the chain of the session's captions."""
        self._snapshots = Snapshots(session, recorder)
        self._said: set[str] = set()
        self._usage = Paced(USAGE_SECONDS, self._write_usage)
        self._tool_names: dict[str, str] = {}
        self._quiet_since: float | None = None
        self._spoke_after_ms: int | None = None
        self._answered_word_ms: int | None = None
        self.close: CloseEvent | None = None
        self._ended = False
        session.on("agent_state_changed", self._agent_state_changed)
        session.on("conversation_item_added", self._item_added)
        session.on("tool_execution_updated", self._tool_updated)
        session.on("speech_created", self._speech_created)
        session.on("session_usage_updated", self._used)
        session.on("error", self._error)
        session.on("close", self._closed)

    def _agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._quiet_since = None
            # Now, not when the speech is over: a caller who interrupts it has said other words by then.
            self._spoke_after_ms = self._recorder.last_word_ms
        elif event.old_state == "speaking":
            self._quiet_since = event.created_at

    def _item_added(self, event: ConversationItemAddedEvent) -> None:
        # Hand-offs and configuration updates pass here too; only messages were said.
        if isinstance(event.item, AgentHandoff) and event.item.old_agent_id:
            self._agent_changed(event.item.new_agent_id)
        if not isinstance(event.item, ChatMessage):
            return
        self._snapshots.take()
        text = event.item.text_content or ""
        if event.item.role == "user" and event.item.extra.get("source") != "chat":
            self._recorder.append(UserTurn(participant=self._recorder.participant, text=text))
        elif event.item.role == "assistant":
            self._agent_said(event.item, text)

    def _agent_changed(self, name: str) -> None:
        agent = self._session.current_agent
        made_by = maker(agent)
        if not made_by:
            self._recorder.append(error_raised(CANNOT_COME_BACK))
        self._recorder.append(AgentChanged(agent=name, made_by=made_by, remembers=has_conversation(agent)))
        self._snapshots.take()

    def _agent_said(self, message: ChatMessage, text: str) -> None:
        speech = self._recorder.speech
        if speech is not None:
            self._said.add(speech)
            self.heard.said(speech)
        metrics = message.metrics
        self._recorder.append(
            AgentSaid(
                speech=speech,
                text=text,
                interrupted=message.interrupted,
                started_ms=self._ms(metrics.get("started_speaking_at")),
                ended_ms=self._ms(self._stopped_speaking_at(message)),
            )
        )
        stages = {
            "first_token": _milliseconds(metrics.get("llm_node_ttft")),
            "first_audio": _milliseconds(metrics.get("tts_node_ttfb")),
        }
        known = {stage: took for stage, took in stages.items() if took is not None}
        answer_ms = self._answer_ms(message)
        if known or answer_ms is not None:
            self._recorder.append(TurnLatency(speech=speech, answer_ms=answer_ms, stages=known))

    def _answer_ms(self, message: ChatMessage) -> int | None:
        """Return how long after the caller's last word the agent began, if this is the first that it says since.

        The framework's own figure counts from the arrival of the STT's final: AssemblyAI's events do not tell it
        when the speech ended.
        """
        began, last_word = message.metrics.get("started_speaking_at"), self._spoke_after_ms
        if began is None or last_word is None or last_word == self._answered_word_ms:
            return None
        self._answered_word_ms = last_word
        took = self._recorder.ms_at(began) - last_word
        return took if 0 <= took <= LONGEST_ANSWER_MS else None

    def _stopped_speaking_at(self, message: ChatMessage) -> float | None:
        # A voice that is talked over falls silent at once; that it is over for good is decided a second later.
        if message.interrupted and self._quiet_since is not None and "started_speaking_at" in message.metrics:
            return self._quiet_since
        return message.metrics.get("stopped_speaking_at")

    def _ms(self, wall_clock: float | None) -> int | None:
        return None if wall_clock is None else self._recorder.ms_at(wall_clock)

    def _speech_created(self, event: SpeechCreatedEvent) -> None:
        event.speech_handle.add_done_callback(self._speech_done)

    def _speech_done(self, handle: SpeechHandle) -> None:
        # Nothing of it was played, or it was to stay out of the LLM's memory: the session has no message for it.
        if handle.id not in self._said and handle.interrupted:
            self._recorder.append(AgentSaid(speech=handle.id, text=self.heard.of(handle.id), interrupted=True))
            self.heard.said(handle.id)
        self._said.discard(handle.id)

    def _tool_updated(self, event: ToolExecutionUpdatedEvent) -> None:
        update = event.update
        if isinstance(update, ToolCallStarted):
            # That it is called was journaled before the framework got the call (`worker.speech.llm`).
            self._tool_names[update.function_call.call_id] = update.function_call.name
        elif isinstance(update, ToolCallEnded):
            # Before its result: a crash between the two must not lose what the LLM believes to be done.
            self._snapshots.take()
            self._recorder.append(
                ToolReturned(
                    call=update.call_id,
                    name=self._tool_names.pop(update.call_id, ""),
                    output=_without_agents(update.message or ""),
                    failed=update.status != "done",
                )
            )

    def _error(self, event: ErrorEvent) -> None:
        # Never the exception's own text, which may quote the conversation.
        raised = error_raised(code_of_report(event.error))
        tried_again = bool(getattr(event.error, "recoverable", False))
        self._recorder.append(replace(raised, fatal=raised.fatal and not tried_again))

    def _closed(self, event: CloseEvent) -> None:
        self.close = event
        self.end()

    def end(self) -> None:
        """Write what still waits to be written; the session's close does it, where there is one."""
        if not self._ended:
            self._ended = True
            self.heard.close()
            self._usage.take()

    def _used(self, _: SessionUsageUpdatedEvent) -> None:
        if not self._ended:
            self._usage.ask()

    def _write_usage(self) -> None:
        for usage in self._session.usage.model_usage:
            self._recorder.append(usage_reported(usage))


def _without_agents(result: str) -> str:
    """Return what a tool's result says, which the framework tells as Python writes it.

    Of an agent and a text, the text: who took over is told by itself, and the LLM is given no more either.
    """
    if result.startswith(("(", "[")) and _AGENT.search(result):
        try:
            rest = [each for each in ast.literal_eval(_AGENT.sub("None", result)) if each is not None]
        except (ValueError, SyntaxError, TypeError):
            rest = []
        if len(rest) == 1:
            return str(rest[0])
    return _AGENT.sub(r"\1", result)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)
