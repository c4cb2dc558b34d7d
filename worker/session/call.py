"""One call, from the job to the stored transcript."""

import asyncio
import contextlib
import functools
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any, Self, TypeVar

from livekit import rtc
from livekit.agents import AutoSubscribe, CloseEvent, CloseReason, JobContext, vad

from config import Loaded, Settings
from worker.errand import Errand, taken_by
from worker.metrics.definitions import RESUMPTIONS
from worker.session.archive import Archive
from worker.session.capturing.capture import Capture
from worker.session.capturing.cut_off import CutOff
from worker.session.capturing.recorder import CallRecorder
from worker.session.capturing.roster import Roster, disconnect_reason
from worker.session.capturing.unheard import Unheard
from worker.session.closing.close_timer import CloseTimer
from worker.session.closing.ending import SHUT_DOWN, Ending, Signs, ending
from worker.session.closing.hang_up import close_room, take_back
from worker.session.closing.last_resort import stand_by
from worker.session.closing.lingering import end_within
from worker.session.conversation.agents import build_agent
from worker.session.conversation.announcing import Announcer
from worker.session.conversation.chat import Chat, Doorstep
from worker.session.conversation.dialogue import CallSession, build_session, room_options
from worker.session.conversation.phone import use_phone_profile
from worker.session.handover.relay import Relay, Senses
from worker.session.resuming.before import Before, look_back
from worker.session.resuming.idempotency import IdempotencyKeys
from worker.session.resuming.memory import Memory
from worker.session.resuming.resumption import Resumption, is_theirs
from worker.session.watching.supervision import Supervision, limits_of
from worker.session.watching.watchdogs import Watchdogs
from worker.speech.catalogue import error_raised, fault
from worker.speech.failures import code_of_report
from worker.speech.providers import Speech, build_speech, provider_names
from worker.speech.spoken_lines import SpokenLines
from worker.storage import names
from worker.storage.errors import SessionRemoved, StorageUnwritable
from worker.storage.journal.journal import Journal
from worker.storage.storing.leases import Lease
from worker.transcript.events import CallPrevious, Gap, PartEnded, PartStarted

logger = logging.getLogger("verbatim.call")

Result = TypeVar("Result")

NEW_CALL = Errand()

SID_SECONDS = 5.0
"""How long the server may take to tell the id of a room that was joined."""

TERMINATION_SECONDS = 1.5
"""How long storing waits for a recogniser that may still say otherwise who spoke."""

SPEECH_CLOSE_SECONDS = 5.0
"""How long STT, LLM and TTS may take to close; the STT alone waits 1.5 s for its bill."""


class Call:
    """One job's part of a room session. `begin`, `run`, and in any case `finish`."""

    def __init__(
        self,
        context: JobContext,
        settings: Settings,
        journal: Journal,
        archive: Archive,
        sent_for: Errand = NEW_CALL,
        memory: Memory | None = None,
    ) -> None:
        self._context = context
        self._settings = settings
        self._sent_for = sent_for
        self._journal = journal
        self._archive = archive
        self._memory = memory
        self._recorder = CallRecorder(journal)
        self._roster = Roster(context.room, self._recorder, settings.privacy.phone_numbers)
        self._recorder.roster = self._roster
        self._speech: Speech | None = None
        self._session: CallSession | None = None
        self._capture: Capture | None = None
        self._unheard: Unheard | None = None
        self._chat = Chat(self._recorder)
        self._joined = False
        self._entry_failed: str | None = None
        self._room_ended: str | None = None
        self._process_ended: str | None = None
        self._ended_by_us: Ending | None = None
        self._supervision: Supervision | None = None
        self._close_timer: CloseTimer | None = None
        self._look_back: Callable[[], Awaitable[Before]]
        self._relay: Relay | None = None
        self._finishing: asyncio.Future[None] | None = None
        self._last_resort: asyncio.Task[None] | None = None
        self._looking_back: asyncio.Task[None] | None = None

    @classmethod
    async def begin(cls, context: JobContext, loaded: Loaded, sent_for: Errand = NEW_CALL) -> Self:
        """Look for earlier parts, open the journal, and wait until the part's start is accepted.

        Args:
            context: the job's.
            loaded: the settings.
            sent_for: what the agent was dispatched for.

        Raises:
            JournalUnwritable: the journal cannot be written.
        """
        settings = loaded.settings
        transcript_id = f"{context.job.room.sid}-{settings.agent.name}"
        created = datetime.fromtimestamp(context.job.room.creation_time, UTC)
        created_at = created.isoformat(timespec="seconds").replace("+00:00", "Z")
        prefix = names.prefix(created_at, context.job.room.name, transcript_id)
        sent_for = taken_by(sent_for, settings.agent.name, context.local_participant_identity)
        before = await look_back(settings, transcript_id, prefix, created, sent_for)
        journal = await Journal.create(
            settings.storage.journal_dir,
            transcript_id,
            context.job.id,
            append_deadline_ms=settings.storage.append_deadline_ms,
        )
        call = cls(context, settings, journal, Archive(settings, journal, prefix), sent_for, before.memory)
        call._look_back = partial(look_back, settings, transcript_id, prefix, created, sent_for, but=context.job.id)
        cut_off = before.memory.open_tools if before.memory is not None else ()
        call._recorder.keys = IdempotencyKeys(context.job.id, cut_off)
        identity = context.local_participant_identity
        lease = Lease(prefix=prefix, room=context.job.room.name, room_sid=context.job.room.sid, agent_identity=identity)
        call._archive.ship(context.job.id, lease)
        await call._recorder.append(
            PartStarted(
                room=context.job.room.name,
                room_sid=context.job.room.sid,
                room_created_at=created_at,
                job=context.job.id,
                agent=settings.agent.name,
                agent_identity=identity,
                dispatch=context.job.dispatch_id,
                part=before.part,
                resumed_from=before.resumed_from,
                versions=versions(),
                settings_digest=loaded.digest(),
                providers=provider_names(settings),
            )
        )
        if before.part > 1:
            call._archive.goes_on()
        return call

    async def run(self, local_vad: vad.VAD) -> None:
        """Join the room and start the session; the call then runs on its own.

        Raises:
            Exception: whatever kept the call from starting; `finish` stores it as the reason.
        """
        self._last_resort = await stand_by(self._process_ends)
        try:
            await self._start(local_vad)
        except (Exception, KeyboardInterrupt) as error:
            self._entry_failed = type(error).__name__
            raise

    async def _start(self, local_vad: vad.VAD) -> None:
        context, settings = self._context, self._settings
        agent = build_agent(settings)
        resumption = Resumption.of(self._memory, settings, self._recorder) if self._memory is not None else None
        self._speech = build_speech(settings, self._recorder)
        self._session = session = build_session(settings, self._speech, local_vad, self._recorder)
        self._recorder.session = session
        self._capture = Capture(self._session, self._recorder)
        self._unheard = Unheard(self._session)
        self._session.on("close", self._end_job)
        self._close_timer = CloseTimer(settings.fleet.close_timeout, self._agent_speaks, self._close_is_overdue)
        self._session.closing = self._close_timer.begin
        announcer = Announcer(session, SpokenLines.of(settings))
        self._supervise(session, announcer)
        context.room.on("disconnected", self._room_left)
        await context.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
        async with asyncio.timeout(SID_SECONDS):
            sid = await context.room.sid
        if sid != context.job.room.sid:
            # The room ended while the client was connecting. The client has tried again, and that made a new
            # room of the same name, which is another call's or nobody's.
            context.shutdown(reason="the room of this job is over")
            return
        self._joined = True
        CutOff(context.room, self._recorder)
        self._relay = relay = Relay(
            settings,
            context.room,
            context.job,
            self._sent_for,
            Senses(session, self._speech.stt, self._chat, self._roster, self._unheard, announcer, self._end),
        )
        self._roster.when_on_phone = partial(use_phone_profile, self._session, settings.turns)
        if self._memory is not None:
            self._roster.expected = self._memory.caller
        self._roster.watch()
        if resumption is not None and relay.waits:
            agent = resumption.agent
            resumption.without_a_word()
            RESUMPTIONS.count(after="hand_over")
        elif resumption is not None and self._caller_is_the_same() and await resumption.recall():
            agent = resumption.agent
            resumption.instead_of_greeting(session, announcer)
            RESUMPTIONS.count(after=resumption.after)
            self._recorder.anything_said = True
        context.room.on("sip_dtmf_received", partial(self._key_pressed, session))
        context.room.on("participant_disconnected", self._somebody_left)
        await self._session.start(
            agent,
            room=context.room,
            room_options=room_options(
                self._recorder,
                self._roster.transcribed,
                self._capture.heard,
                self._chat,
                gain_control=settings.stt.gain_control,
            ),
            session_host=settings.agent.session_host,
            record=False,
        )
        Doorstep(context.room, session.room_io)
        relay.begin(self._memory, self._recorder, self._look_back, self._goes_on)

    def _goes_on(self) -> None:
        if self._supervision is not None:
            self._supervision.start()
        if self._memory is None:
            self._looking_back = asyncio.create_task(self._find_previous())

    async def _find_previous(self) -> None:
        """Note which call the caller had before in a room of this name: another room, and so another transcript."""
        try:
            await self._context.wait_for_participant()
        except RuntimeError:  # the room is gone before anybody came
            return
        if self._roster.caller != self._roster.transcribed:
            return  # masked, and not theirs alone
        found = await self._archive.call_before(self._roster.caller)
        if found is not None:
            self._recorder.append(CallPrevious(transcript=found))

    def _key_pressed(self, session: CallSession, key: rtc.SipDTMF) -> None:
        if self._roster.keys_are_heard:
            session.keypad.press(key.digit)

    def hand_over(self, seconds: float, done: Callable[[bool], None]) -> None:
        """Let another agent go on with the call, as `Relay.hand_over`; not before this one is in the room."""
        if self._relay is not None:
            self._relay.hand_over(seconds, done)
        else:
            logger.warning("the call is still being set up and cannot be handed over: it ends with its worker")

    def _caller_is_the_same(self) -> bool:
        """Whether who is there now may hear what was said before. Who is away for a moment may."""
        assert self._memory is not None
        present = self._context.room.remote_participants.get(self._roster.transcribed)
        joined = present.joined_at if present is not None else None
        return is_theirs(self._memory, self._roster.caller, joined, self._settings.fleet.rejoin_grace)

    def _supervise(self, session: CallSession, announcer: Announcer) -> None:
        self._supervision = Supervision(
            Watchdogs(limits_of(self._settings), asyncio.get_running_loop().time()),
            session,
            room=self._context.room,
            roster=self._roster,
            recorder=self._recorder,
            announcer=announcer,
            end=self._end,
        )
        self._recorder.watcher = self._supervision.saw

    def _end(self, end: Ending) -> None:
        self._ended_by_us = end
        if self._session is not None:
            self._session.end()

    def _agent_speaks(self) -> bool:
        return self._session is not None and self._session.agent_state == "speaking"

    async def _close_is_overdue(self) -> None:
        logger.error("%s", fault("call.close_hung").message)
        self._recorder.append(error_raised("call.close_hung"))
        self._context.shutdown(reason="the session did not close in time")
        try:
            await self.finish()
        except StorageUnwritable as trouble:
            logger.error("the transcript waits for the worker's sweep: %s", trouble)
        finally:
            end_within(self._settings.fleet.shutdown_process_timeout)

    def _end_job(self, event: CloseEvent) -> None:
        # The framework leaves the agent in the room when its session closes.
        self._context.shutdown(reason=f"session closed: {event.reason.value}")

    def _somebody_left(self, _: rtc.RemoteParticipant) -> None:
        # Who lost the connection may be back for the answer; who hung up closes the session.
        if self._unheard is not None and self._roster.hung_up:
            self._unheard.nobody_listens()
            self._close_begins()
            if self._roster.never_reached and self._session is not None:
                self._session.end()

    def _close_begins(self) -> None:
        if self._close_timer is not None:
            self._close_timer.begin()

    def _room_left(self, reason: "rtc.DisconnectReason.ValueType | None" = None) -> None:
        self._room_ended = disconnect_reason(reason)
        if self._unheard is not None:
            self._unheard.nobody_listens()
        self._close_begins()

    async def _process_ends(self, how: str) -> None:
        if self._finishing is None:
            self._process_ended = how
            await self.finish()

    async def finish(self) -> None:
        """Store the transcript at once, and once more when the STT's bill is known; whoever asks again waits for that.

        Whatever fails here leaves the journal in place: its words are kept.

        Raises:
            StorageUnwritable: the store did not take it; the worker's sweep tries again.
        """
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._finish())
        await asyncio.shield(self._finishing)

    async def _finish(self) -> None:
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._supervision is not None:
            await self._supervision.aclose()
        if self._relay is not None:
            await self._relay.aclose()
        if self._looking_back is not None:
            self._looking_back.cancel()
        end = ending(self._signs())
        if self._speech is not None:
            self._speech.stt.call_is_over()
        if self._entry_failed is not None:
            self._recorder.append(Gap(from_ms=0, reason="the call could not be set up, so that nobody listened"))
        if self._process_ended is not None:
            self._recorder.append(
                Gap(from_ms=self._recorder.ms_at(time.time()), reason="the agent's code ended the process in the call")
            )
        if self._capture is not None:
            self._capture.end()
        await self._hear_who_spoke()
        await self._recorder.append(PartEnded(reason=end.reason, detail=end.detail))
        hang_up = asyncio.create_task(self._hang_up(end))
        publishing = asyncio.create_task(self._archive.publish())
        if self._relay is not None:
            await self._relay.let_go(publishing)
        trouble: StorageUnwritable | None = None
        try:
            stored = await publishing
            logger.info("transcript stored", extra={"key": stored.prefix, "turns": len(stored.transcript.turns)})
        except StorageUnwritable as error:
            trouble = error
        except SessionRemoved as removed:
            logger.warning("the call is not stored: %s", removed)
        finally:
            # Also when storing failed: the STT's bill and who left belong into the journal that stays.
            await hang_up
            await self._close_speech()
            await self._journal.close()
        await self._archive.conclude(trouble)

    async def _hear_who_spoke(self) -> None:
        """With speaker labels, the recogniser's last word on who spoke comes after its session's end."""
        if self._speech is not None and self._speech.stt.revises_speakers:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TERMINATION_SECONDS):
                    await self._speech.stt.farewells()

    async def _hang_up(self, end: Ending) -> None:
        job = self._context.job
        fleet = self._settings.fleet
        if end == SHUT_DOWN and fleet.send_again and fleet.rejoin_grace > 0:
            return  # the worker sends the next agent, who is to find the caller there
        if end.reason in ("goodbye", "error") and self._settings.agent.hang_up:
            await close_room(self._settings, job.room.name, job.room.sid)
        elif end.reason == "goodbye":
            await take_back(self._settings, job.room.name, job.room.sid, job.agent_name)

    async def _close_speech(self) -> None:
        if self._speech is None:
            return
        try:
            async with asyncio.timeout(SPEECH_CLOSE_SECONDS):
                await self._speech.aclose()
        except Exception as error:  # an operator's plugin may do anything; the journal is closed all the same
            logger.warning("STT, LLM or TTS could not be closed: %s", type(error).__name__)

    def _signs(self) -> Signs:
        closed = self._capture.close if self._capture is not None else None
        failed = closed is not None and closed.reason is CloseReason.ERROR
        return Signs(
            entry_failed=self._entry_failed,
            process_ended=self._process_ended,
            session_error=_sentence(closed.error) if failed and closed is not None else None,
            ended_by_us=self._ended_by_us,
            agent_closed=self._session is not None and self._session.said_goodbye,
            caller_left=self._roster.left,
            room_ended=self._room_ended,
            joined=self._joined,
            picked_up=self._roster.picked_up,
            anything_said=self._recorder.anything_said,
        )


def _sentence(error: Any) -> str:
    return fault(code_of_report(error)).sentence


@functools.cache
def versions() -> Mapping[str, str]:
    """What runs here, by name. The first answer is read from files."""
    return {
        "verbatim": version("verbatim"),
        "livekit-agents": version("livekit-agents"),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
    }
