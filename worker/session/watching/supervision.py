"""Watching over one call: tells the watchdogs what happens, and does what they say is due."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentStateChangedEvent,
    CloseEvent,
    ErrorEvent,
    ToolExecutionUpdatedEvent,
    UserStateChangedEvent,
)
from livekit.agents.voice.events import ToolCallEnded, ToolCallStarted

from config import Settings
from worker.session.capturing.roster import Roster
from worker.session.closing.ending import Ending
from worker.session.conversation.announcing import Announcer
from worker.session.conversation.dialogue import CallSession
from worker.session.conversation.phone import phone_of
from worker.session.watching.watchdogs import Limits, Step, Watchdogs
from worker.speech.catalogue import error_raised, fault
from worker.speech.failures import code_of_report
from worker.speech.recorder import Recorder
from worker.transcript.events import Dtmf, Event, SttOpened, UserEarly, UserFinal, UserInterim

logger = logging.getLogger("verbatim.call")

LOOK_SECONDS: Final = 0.25
"""Between two looks at what is due; a caller waits so much longer at most."""

AUDIO_LOOK_SECONDS: Final = 3.0
"""Between two looks at whether audio comes from the caller: each asks the room client for its counts."""

FAREWELL_SECONDS: Final = 0.5
"""Between the last word and the end: what was played here is heard at the caller's end a moment later."""

GIVE_UP_SECONDS: Final = 2.0
"""How long an answer that is given up may take to stop, before the line is said all the same."""


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings give, in seconds."""
    agent, stt = settings.agent, settings.stt
    return Limits(
        call=60 * settings.fleet.max_call_minutes,
        answer=agent.answer_deadline,
        silence_prompt=agent.silence_prompt,
        silence_goodbye=agent.silence_goodbye,
        no_audio=agent.no_audio_notice,
        not_recognised=stt.not_recognised_notice,
        outage_notice=stt.outage_notice,
        outage=stt.outage_limit,
        failures=agent.failed_answers,
    )


class Supervision:
    """Watches one session, from its start to its close.

    Args:
        watchdogs: Decide what is due.
        session: The session.
        room: Its room.
        roster: Who of the room is the caller.
        recorder: Takes the faults that are found here.
        announcer: Says the lines.
        end: Ends the call with a reason; called once.
    """

    def __init__(
        self,
        watchdogs: Watchdogs,
        session: CallSession,
        *,
        room: rtc.Room,
        roster: Roster,
        recorder: Recorder,
        announcer: Announcer,
        end: Callable[[Ending], None],
    ) -> None:
        self._watchdogs = watchdogs
        self._session = session
        self._room = room
        self._roster = roster
        self._recorder = recorder
        self._announcer = announcer
        self._end = end
        self._voice_works = True
        self._packets: int | None = None
        self._tasks: list[asyncio.Task[None]] = []
        session.on("agent_state_changed", self._agent_state_changed)
        session.on("user_state_changed", self._user_state_changed)
        session.on("tool_execution_updated", self._tool_updated)
        session.on("error", self._failed)
        session.on("close", self._closed)

    def start(self) -> None:
        """Watch from now on; call it on the session's event loop."""
        self._watchdogs.begin(_now())
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._watch_audio())]

    async def aclose(self) -> None:
        """Watch no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def saw(self, event: Event) -> None:
        """Take note of what the call's journal takes."""
        now = _now()
        if isinstance(event, UserFinal):
            self._watchdogs.turn_ended(now, is_answered=self._answers_every_turn())
        elif isinstance(event, UserInterim | UserEarly | Dtmf):
            self._watchdogs.words(now)
        elif isinstance(event, SttOpened):
            self._watchdogs.recogniser_is_back()

    def _answers_every_turn(self) -> bool:
        # An agent with a hook of its own may have reasons to keep silent (`StopResponse`).
        try:
            agent = type(self._session.current_agent)
        except RuntimeError:  # the session has not started
            return False
        return agent.on_user_turn_completed is Agent.on_user_turn_completed

    def _agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        self._watchdogs.agent_is(event.new_state, _now())
        if event.new_state == "speaking":
            self._voice_works = True

    def _user_state_changed(self, event: UserStateChangedEvent) -> None:
        self._watchdogs.caller_speaks(event.new_state == "speaking", _now())

    def _tool_updated(self, event: ToolExecutionUpdatedEvent) -> None:
        if isinstance(event.update, ToolCallStarted):
            self._watchdogs.tool_began()
        elif isinstance(event.update, ToolCallEnded):
            self._watchdogs.tool_ended(_now())

    def _failed(self, event: ErrorEvent) -> None:
        service = str(getattr(event.error, "type", "")).removesuffix("_error")
        tried_again = bool(getattr(event.error, "recoverable", False))
        if service == "tts" and not tried_again:
            self._voice_works = False
        self._watchdogs.failed(service, fault(code_of_report(event.error)), _now(), tried_again=tried_again)

    def _closed(self, _: CloseEvent) -> None:
        for task in self._tasks:
            task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._watchdogs.caller_can_speak(self._microphone() is not None, _now())
            if (step := self._watchdogs.due(_now())) is None:
                continue
            try:
                await self._take(step)
            except RuntimeError as refusal:  # the framework's word for a session that is closing
                logger.debug("nothing more is said in this call: %s", refusal)
            if step.end is not None:
                await asyncio.sleep(FAREWELL_SECONDS)
                logger.warning("the call is ended: %s", step.end.detail)
                self._end(step.end)
                return

    async def _take(self, step: Step) -> None:
        if step.code is not None:
            logger.warning("%s", fault(step.code).message)
            self._recorder.append(error_raised(step.code))
        if step.give_up:
            await self._give_up()
        if step.line is None:
            return
        # Also what nobody is silent for: noise may be all that there is.
        to_the_end = step.end is not None or step.line == "cannot_hear"
        self._watchdogs.line_begins()
        try:
            await self._announcer.say(step.line, to_the_end=to_the_end, voice_works=self._voice_works)
        finally:
            self._watchdogs.line_ended(_now())

    async def _give_up(self) -> None:
        stopped = self._session.interrupt(force=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await asyncio.shield(stopped)

    async def _watch_audio(self) -> None:
        while True:
            await asyncio.sleep(AUDIO_LOOK_SECONDS)
            microphone = self._microphone()
            if microphone is None or microphone.muted or microphone.track is None:
                self._packets = None
                self._watchdogs.audio_flows(True, _now())
                continue
            try:
                async with asyncio.timeout(AUDIO_LOOK_SECONDS):
                    packets = _packets(await microphone.track.get_stats())
            except Exception as error:  # the room client's own word for a track that is gone
                logger.debug("the caller's audio could not be counted: %s", type(error).__name__)
                continue
            self._watchdogs.audio_flows(packets is None or packets != self._packets, _now())
            self._packets = packets

    def _microphone(self) -> rtc.RemoteTrackPublication | None:
        """The caller's audio track, while there is a caller who can speak."""
        caller = self._room.remote_participants.get(self._roster.transcribed)
        if caller is None or not phone_of(caller.attributes).is_picked_up:
            return None
        published = caller.track_publications.values()
        return next((each for each in published if each.kind == rtc.TrackKind.KIND_AUDIO and each.subscribed), None)


def _packets(stats: list[Any]) -> int | None:
    """Return how many packets of a track were received, if the counts tell."""
    counts = [each.inbound_rtp.received.packets_received for each in stats if each.HasField("inbound_rtp")]
    return sum(counts) if counts else None


def _now() -> float:
    return asyncio.get_running_loop().time()
