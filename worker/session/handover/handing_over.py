"""The old agent's side of a hand-over: finds a successor, waits for a pause, and lets go."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from livekit import api, rtc
from livekit.protocol.agent import Job

from config import Settings
from worker import errand
from worker.errand import Errand
from worker.errors import Refusal
from worker.livekit_api import livekit_api
from worker.session.capturing.unheard import Unheard
from worker.session.closing.ending import Ending
from worker.session.conversation.announcing import Announcer
from worker.session.conversation.chat import Chat
from worker.session.conversation.dialogue import CallSession
from worker.session.handover.protocol import METHOD, READY, Cut, is_agent
from worker.speech.assemblyai import RecordingSTT

logger = logging.getLogger("verbatim.call")

TAKEN_SECONDS: Final = 10.0
"""How long nobody may take the call before it is closed. Source: DESIGN 3.8."""

OFFER_SECONDS: Final = 2.5
"""How long an offer stands that no worker takes; the server does not repeat it."""

LOOK_SECONDS: Final = 0.1

PAUSE_SECONDS: Final = 0.4
"""Of silence on both sides that make a pause: less may be the moment between a question and its answer."""

PAUSE_WITHIN_SECONDS: Final = 5.0
"""How long a pause is waited for; then whoever speaks is cut, and the new agent goes on from there."""

FAREWELL_SECONDS: Final = 5.0
"""Of the time for a hand-over, what is kept for telling the caller that it failed."""

API_SECONDS: Final = 3.0
LET_GO_SECONDS: Final = 2.0
"""How long the server may take for one question, and the new agent to be told."""


class HandingOver:
    """One call's hand-over. `run`, and `let_go` once the last words are written."""

    def __init__(
        self,
        settings: Settings,
        room: rtc.Room,
        job: Job,
        sent_for: Errand,
        *,
        session: CallSession,
        stt: RecordingSTT,
        unheard: Unheard,
        chat: Chat,
        announcer: Announcer,
        end: Callable[[Ending], None],
    ) -> None:
        """Do nothing yet.

        Args:
            settings: where the server is.
            room: the room.
            job: this agent's.
            sent_for: this agent's errand.
            session: the session that is to be closed.
            stt: its recogniser.
            unheard: ends its speech.
            chat: what is typed to it.
            announcer: says the line where nobody takes the call.
            end: closes the session for a reason.
        """
        self._settings = settings
        self._room = room
        self._job = job
        self._next = Errand(part=sent_for.part + 1, resume_of=job.id)
        self._successor = errand.agent_identity(settings.agent.name, self._next.part)
        self._session = session
        self._stt = stt
        self._unheard = unheard
        self._chat = chat
        self._announcer = announcer
        self._end = end
        self._cut_at: float | None = None
        self._owes_answer = False

    async def run(self, seconds: float) -> bool:
        """Hand the call over, and close the session; return whether somebody took it.

        Args:
            seconds: how long it may take.
        """
        if not await self._find_successor(max(0.0, seconds - FAREWELL_SECONDS)):
            logger.warning("no agent took the call over: closing it")
            with suppress(RuntimeError):  # the session is closing
                await self._announcer.say("stopping", to_the_end=True, voice_works=True)
            self._end(Ending("error", "the worker was told to stop, and no other took the call over"))
            return False
        await self._pause()
        self._cut()
        return True

    async def let_go(self) -> None:
        """Tell the new agent to go on; does nothing where there is none."""
        if self._cut_at is None:
            return
        ago = time.monotonic() - self._cut_at
        try:
            async with asyncio.timeout(LET_GO_SECONDS):
                await self._tell(Cut(ago, self._owes_answer))
        except (rtc.RpcError, TimeoutError) as error:
            # It sees this agent leave, and goes on then.
            logger.warning("the new agent could not be told to go on: %s", type(error).__name__)

    async def _tell(self, cut: Cut) -> None:
        await self._room.local_participant.perform_rpc(
            destination_identity=self._successor,
            method=METHOD,
            payload=cut.encode(),
            response_timeout=LET_GO_SECONDS,
        )

    async def _find_successor(self, seconds: float) -> bool:
        """Have a successor dispatched, and return whether it is ready in time."""
        loop = asyncio.get_running_loop()
        taken_by = loop.time() + min(seconds, TAKEN_SECONDS)
        ready_by = loop.time() + seconds
        offer, taken = "", False
        try:
            while not self._is_ready:
                if loop.time() > (ready_by if taken else taken_by):
                    return False
                if not taken:
                    offer = await self._offer(offer)
                    taken = await self._is_taken(offer)
                await asyncio.sleep(LOOK_SECONDS)
            return True
        finally:
            if not self._is_ready and offer:
                await self._withdraw(offer)

    @property
    def _is_ready(self) -> bool:
        successor = self._room.remote_participants.get(self._successor)
        return is_agent(successor) and successor is not None and successor.attributes.get(READY) == "ready"

    async def _offer(self, before: str) -> str:
        """Dispatch the successor in place of an offer that nobody took; return the dispatch's id, if it was made."""
        if before:
            await self._withdraw(before)
        metadata = errand.write(self._job.metadata, self._next)
        wanted = api.CreateAgentDispatchRequest(
            agent_name=self._job.agent_name, room=self._job.room.name, metadata=metadata
        )
        try:
            async with livekit_api(self._settings, API_SECONDS) as server:
                return str((await server.agent_dispatch.create_dispatch(wanted)).id)
        except Refusal as refusal:
            logger.warning("no agent could be dispatched to take the call over: %s", refusal)
            return ""

    async def _is_taken(self, offer: str) -> bool:
        """Wait until a worker has taken the offer, and return whether one did in time."""
        until = asyncio.get_running_loop().time() + OFFER_SECONDS
        while offer and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(LOOK_SECONDS)
            if self._successor in self._room.remote_participants:
                return True
            with suppress(Refusal):
                async with livekit_api(self._settings, API_SECONDS) as server:
                    found = await server.agent_dispatch.get_dispatch(offer, self._job.room.name)
                if found is not None and any(job.state.participant_identity for job in found.state.jobs):
                    return True
        return False

    async def _withdraw(self, offer: str) -> None:
        with suppress(Refusal):
            async with livekit_api(self._settings, API_SECONDS) as server:
                await server.agent_dispatch.delete_dispatch(offer, self._job.room.name)

    async def _pause(self) -> None:
        """Wait until nobody speaks or is about to, at most `PAUSE_WITHIN_SECONDS`."""
        loop = asyncio.get_running_loop()
        latest, quiet_since = loop.time() + PAUSE_WITHIN_SECONDS, None
        while (now := loop.time()) < latest:
            if self._agent_is_at_work or self._caller_is_at_work:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = now
            elif now - quiet_since >= PAUSE_SECONDS:
                return
            await asyncio.sleep(LOOK_SECONDS / 2)

    def _cut(self) -> None:
        self._owes_answer = self._agent_is_at_work or (self._stt.words_pending and not self._caller_speaks)
        self._session.input.set_audio_enabled(False)
        self._chat.end()
        self._cut_at = time.monotonic()
        self._stt.force_endpoint()
        self._unheard.nobody_listens()
        self._end(Ending("handover", "another agent goes on with the call"))

    @property
    def _agent_is_at_work(self) -> bool:
        return self._session.agent_state in ("thinking", "speaking") or self._session.current_speech is not None

    @property
    def _caller_speaks(self) -> bool:
        return self._session.user_state == "speaking"

    @property
    def _caller_is_at_work(self) -> bool:
        return self._caller_speaks or self._stt.words_pending
