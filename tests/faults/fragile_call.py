"""One call that is going to be struck: a caller who talks, and what is known of the call from outside."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
from livekit import rtc

from standins.caller import Caller, CallerError, NoAnswerError
from tests.faults.fragile_agent import TOPIC
from tests.faults.sentences import SPOKEN, sentence
from tests.parts.standins import Standin
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings, until

ATTEMPTS = 3
CONNECTED_WITHIN_S = 40.0
TOLD_WITHIN_S = 40.0
TOLD_AGAIN_S = 2.0
ANSWERED_WITHIN_S = 15.0
SENTENCES_A_CALL = 16
LONGEST_TALK_S = 12.0
SOON_S = 0.3
"""Within this time after a turn its words go to the LLM and the first of the answer to the TTS."""


@dataclass(slots=True)
class FragileCall:
    """A call that is going on.

    Attributes:
        room: Its name.
        sentences: What the recogniser hears the caller say, one after the other.
        caller: The caller's end.
        stt_session: The id of the recogniser's session.
        job: The process that holds the call.
    """

    room: str
    sentences: Sequence[str]
    caller: Caller
    stt_session: str
    job: psutil.Process
    _talk: asyncio.Task[None] | None = field(default=None, repr=False)

    def talk(self, chance: random.Random) -> None:
        """Begins to talk, and goes on until `end`."""
        self._talk = asyncio.create_task(self._converse(chance))

    async def _converse(self, chance: random.Random) -> None:
        """Hears the agent out or interrupts it; where it says nothing more, no matter."""
        for _ in self.sentences:
            if chance.random() < 0.5:
                with contextlib.suppress(NoAnswerError):
                    await self.caller.listen(ANSWERED_WITHIN_S)
                await self.caller.speak(SPOKEN)
            else:
                with contextlib.suppress(NoAnswerError):
                    await self.caller.barge_in(SPOKEN, chance.uniform(100, 2500), ANSWERED_WITHIN_S)

    async def moment(self, chance: random.Random) -> None:
        """Waits for a moment at which to be struck: any, or one just after the agent has heard some words."""
        await asyncio.sleep(chance.uniform(0, LONGEST_TALK_S))
        if chance.random() < 0.5:
            heard = self._heard()

            async def more() -> bool | None:
                return True if self._heard() > heard else None

            with contextlib.suppress(TimeoutError):
                await until(more, ANSWERED_WITHIN_S, "the caller said nothing more")
            await asyncio.sleep(chance.uniform(0, SOON_S))

    def _heard(self) -> int:
        """How many of the caller's turns the agent has published as heard."""
        captions = self.caller.captions
        return sum(each.is_final for each in captions if each.speaker not in self.caller.agents)

    async def tell(self, what: str) -> None:
        """Tells the agent to harm itself, and returns when it is about to, or has done it.

        It is told again until it answers: on a busy machine an agent that is in the room may not listen yet.

        Raises:
            TimeoutError: it neither says so nor does it.
        """
        about_to = asyncio.Event()

        def received(packet: rtc.DataPacket) -> None:
            if packet.topic == TOPIC:
                about_to.set()

        room = self.caller.room
        room.on("data_received", received)
        async with asyncio.timeout(TOLD_WITHIN_S):
            while not about_to.is_set() and _lives(self.job):
                await room.local_participant.publish_data(what, topic=TOPIC)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TOLD_AGAIN_S):
                        await about_to.wait()

    def kill_job(self) -> None:
        """Kills the call's process."""
        self.job.send_signal(signal.SIGKILL)

    async def job_dead(self, deadline_s: float) -> None:
        """Waits until the call's process is gone.

        Raises:
            TimeoutError: it lives at the deadline.
        """

        async def look() -> bool | None:
            return None if _lives(self.job) else True

        await until(look, deadline_s, f"the process of {self.room} did not end")

    async def quiet(self) -> None:
        """Stops talking, and stays in the room. A conversation that a busy machine has ended is over, no more."""
        if self._talk is None:
            return
        # A native call that ends in the moment of the cancellation may swallow it.
        while not self._talk.done():
            self._talk.cancel()
            await asyncio.wait({self._talk}, timeout=1)
        with contextlib.suppress(asyncio.CancelledError, CallerError):
            self._talk.result()

    async def hang_up(self) -> None:
        """Leaves."""
        await self.quiet()
        await self.caller.hang_up()


class Exchange:
    """Puts calls through, one after the other, so that each is known to have the recogniser's next session.

    Args:
        assemblyai: The stand-in of the recogniser, with the light engine.
    """

    def __init__(self, assemblyai: Standin) -> None:
        self._assemblyai = assemblyai
        self._numbers = itertools.count()
        self._one_at_a_time = asyncio.Lock()

    async def connect(self, place: Surroundings, what: str, agent: str, worker: int) -> FragileCall:
        """A call whose agent can be heard, with sentences that no other call has.

        Where a machine is so busy that it does not come about, it is tried again in another room.

        Args:
            place: Where its journal will be.
            what: The first part of the room's name.
            agent: The agent to dispatch.
            worker: The process id of that agent's worker.
        """
        for _ in range(ATTEMPTS - 1):
            room = new_room(what)
            try:
                return await self._connect(place, room, agent, worker)
            except (CallerError, TimeoutError):
                await place.room_gone(room, CONNECTED_WITHIN_S)
        return await self._connect(place, new_room(what), agent, worker)

    async def _connect(self, place: Surroundings, room: str, agent: str, worker: int) -> FragileCall:
        sentences = [sentence(next(self._numbers)) for _ in range(SENTENCES_A_CALL)]
        caller = Caller(quiet_s=0.5)
        try:
            async with self._one_at_a_time:
                known = await self._open_sessions()
                await asyncio.to_thread(self._assemblyai.call, "DELETE", "/control/script")
                await asyncio.to_thread(self._assemblyai.call, "POST", "/control/script", {"texts": sentences})
                await caller.join(place.livekit.url, place.invite(room, agent=agent))

                async def opened() -> str | None:
                    return next(iter(await self._open_sessions() - known), None)

                session = await until(opened, CONNECTED_WITHIN_S, f"no recogniser was asked for {room}")
            await caller.wait_for_agent()
            job = await asyncio.to_thread(_job_of, worker, place, await caller.room.sid)
        except BaseException:
            await caller.hang_up()
            raise
        return FragileCall(room, sentences, caller, session, job)

    async def _open_sessions(self) -> set[str]:
        state = await asyncio.to_thread(self._assemblyai.state)
        return set(state["open_sessions"])


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _job_of(worker: int, place: Surroundings, sid: str) -> psutil.Process:
    """The process below the worker that has the journal of a room open."""
    journals = f"{place.journals.resolve()}{os.sep}{sid}-"
    for process in psutil.Process(worker).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(file.path.startswith(journals) for file in process.open_files()):
                return process
    raise AssertionError(f"no process of the worker has a journal of room {sid} open")
