"""How a call goes from agent to agent, as seen by one of them: it may take the call over, and may hand it on."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from livekit import rtc
from livekit.protocol.agent import Job

from config import Settings
from worker.errand import Errand, agent_identity
from worker.session.capturing.recorder import CallRecorder
from worker.session.capturing.roster import Roster
from worker.session.capturing.unheard import Unheard
from worker.session.closing.ending import Ending
from worker.session.conversation.announcing import Announcer
from worker.session.conversation.chat import Chat
from worker.session.conversation.dialogue import CallSession
from worker.session.handover.handing_over import HandingOver
from worker.session.handover.taking_over import TakingOver
from worker.session.resuming.before import Before
from worker.session.resuming.idempotency import IdempotencyKeys
from worker.session.resuming.memory import Memory
from worker.session.resuming.resumption import recall_all
from worker.speech.assemblyai import RecordingSTT

logger = logging.getLogger("verbatim.call")

OVERLAP_SECONDS: Final = 0.1
"""Of what the agent before this one heard, what is heard again: its last frames may not have reached it."""

AWAY_SECONDS: Final = 3.0
"""How long a caller waits for the next agent so that it knows the last words: as long as a silence may last."""


@dataclass(frozen=True, slots=True)
class Senses:
    """Everything by which an agent hears and speaks, and its end."""

    session: CallSession
    stt: RecordingSTT
    chat: Chat
    roster: Roster
    unheard: Unheard
    announcer: Announcer
    end: Callable[[Ending], None]


class Relay:
    """One agent's place among those of its call. Make it when the room is joined, before anything is said.

    Args:
        settings: where the server is, and the agent's name.
        room: the room.
        job: this agent's.
        sent_for: this agent's errand.
        senses: what it hears and speaks by.
    """

    def __init__(self, settings: Settings, room: rtc.Room, job: Job, sent_for: Errand, senses: Senses) -> None:
        self._settings = settings
        self._room = room
        self._job = job
        self._sent_for = sent_for
        self._senses = senses
        self._taking_over = TakingOver(settings, room, agent_identity(settings.agent.name, sent_for.part - 1))
        self._handing_over: HandingOver | None = None
        self._began = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.waits = self._taking_over.is_due
        """Whether another agent still speaks with the caller."""
        if self.waits:
            senses.stt.hold()
            senses.chat.hold()
            senses.roster.keys_are_heard = False
            senses.unheard.nobody_listens()

    def begin(
        self,
        known: Memory | None,
        recorder: CallRecorder,
        look_back: Callable[[], Awaitable[Before]],
        began: Callable[[], None],
    ) -> None:
        """Go on with the call once the agent before this one has let go, or now.

        Args:
            known: what this agent was made by.
            recorder: the part's journal.
            look_back: tells what the parts before have written.
            began: called then.
        """
        if self.waits:
            self._task = asyncio.create_task(self._take_over(known, recorder, look_back, began))
        else:
            self._began.set()
            began()

    async def _take_over(
        self,
        known: Memory | None,
        recorder: CallRecorder,
        look_back: Callable[[], Awaitable[Before]],
        began: Callable[[], None],
    ) -> None:
        cut = await self._taking_over.wait()
        heard_until, read_until = time.time() - cut.seconds_ago, time.monotonic() - cut.seconds_ago
        senses = self._senses
        try:
            if (memory := (await look_back()).memory) is not None:
                await recall_all(memory, known, senses.session, self._settings, recorder)
                recorder.keys = IdempotencyKeys(self._job.id, memory.open_tools)
                recorder.anything_said = True
        except Exception as error:  # an agent that knows too little is better than one that never speaks
            logger.error("what was said before is not known here: %s", type(error).__name__)
        self.waits = False
        senses.unheard.somebody_listens()
        senses.roster.keys_are_heard = True
        senses.stt.listen(heard_until - OVERLAP_SECONDS)
        logger.info("the call goes on here", extra={"resume_of": self._sent_for.resume_of, "after": cut.seconds_ago})
        self._began.set()
        began()
        with suppress(RuntimeError):  # the session is closing
            if cut.owes_answer:
                senses.session.generate_reply()
            await senses.chat.listen(read_until)

    def hand_over(self, seconds: float, done: Callable[[bool], None]) -> None:
        """Let another agent go on with the call, in the background.

        Args:
            seconds: how long that may take; then the call is closed.
            done: told whether one does, before this part ends.
        """
        if self._task is None or self._began.is_set():
            self._task = asyncio.create_task(self._hand_over(seconds, done))

    async def _hand_over(self, seconds: float, done: Callable[[bool], None]) -> None:
        before = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                await self._began.wait()
        except TimeoutError:
            logger.warning("the call is still being set up and cannot be handed over: it ends with its worker")
            return
        senses = self._senses
        self._handing_over = HandingOver(
            self._settings,
            self._room,
            self._job,
            self._sent_for,
            session=senses.session,
            stt=senses.stt,
            unheard=senses.unheard,
            chat=senses.chat,
            announcer=senses.announcer,
            end=senses.end,
        )
        done(await self._handing_over.run(seconds - (time.monotonic() - before)))

    async def let_go(self, publishing: asyncio.Task[object]) -> None:
        """Tell the next agent, if there is one, that the last words are written: now it may read them.

        Args:
            publishing: stores them.
        """
        if self._handing_over is None:
            return
        if self._settings.storage.bucket is not None:
            # It may be on another node, which knows only what is stored.
            await asyncio.wait({publishing}, timeout=AWAY_SECONDS)
        await self._handing_over.let_go()

    async def aclose(self) -> None:
        """Take over and hand over no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
