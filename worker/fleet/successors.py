"""Sends another agent at once where one is gone: who knows of a death acts, long before a watcher could see it.

A worker knows when a job of its own ends: one that died in the middle of its call is followed at once, and where the
caller was the one who left, they may come back within `fleet.rejoin_grace`. A worker that starts knows from the
journals which calls its predecessor on this node has left. All that this decides by is on the server, as with the
watcher: whoever finds that the next agent was sent already does nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from livekit import api
from livekit.protocol.agent import Job

from config import Settings
from worker import errand
from worker.errors import Refusal
from worker.fleet.left_calls import LeftCall, has_died, is_left, left_calls
from worker.fleet.presence import is_connected, who_is_in
from worker.fleet.promises import TOLD_S, Again, Dispatch, Verdict, Wait, follow
from worker.fleet.watcher import ROOM_SECONDS, Action, promise_of
from worker.livekit_api import livekit_api
from worker.metrics.definitions import REDISPATCHES
from worker.transcript.replay import transcript_id

logger = logging.getLogger("verbatim.worker")

LOOK_SECONDS = 0.1
"""Between two looks at which jobs run: a part of the silence that a caller hears."""

ROOM_LOOK_SECONDS = 0.75
"""Between two looks at a room whose caller may come back."""

PATIENCE_SECONDS = 20.0
"""How long a call whose job died is looked after; then it is the watcher's."""

TAKEN_SECONDS = TOLD_S
"""How long a dispatch may be without an agent, before there is another: the server may have dropped it."""

REMOVED_SECONDS = 2.0
"""How long the server may take to remove an agent. It takes 3 where the agent's node died, as long as a watcher takes
to find that out: whoever knows of the death is to be first, so that they do not both send one."""

PREDECESSOR_SECONDS = 15.0
"""How long the jobs of a worker that was killed may take to end."""


class Successors:
    """Looks after the calls of one worker, from `run` until that is cancelled."""

    def __init__(self, settings: Settings, jobs: Callable[[], Mapping[str, Job]]) -> None:
        """Begin with no jobs.

        Args:
            settings: the server, the agent's name, and where journals are.
            jobs: those that run now, by id.
        """
        self._settings = settings
        self._jobs = jobs
        self._name = settings.agent.name if settings.agent.dispatch == "named" else ""
        self._inherited: dict[Path, LeftCall] = {}
        self._looking: asyncio.TaskGroup | None = None

    async def inherit(self) -> None:
        """Find the calls that a worker before this one may have left here; before anybody stores them."""
        try:
            self._inherited = await left_calls(self._settings.storage.journal_dir)
        except OSError as error:
            logger.warning("calls of a worker before this one cannot be looked for: %s", error.strerror)

    async def run(self, registered: asyncio.Event) -> None:
        """Watch the jobs until cancelled; once this worker can take calls also those it has inherited."""
        async with asyncio.TaskGroup() as self._looking:
            self._looking.create_task(self._take_over(registered))
            before: Mapping[str, Job] = {}
            while True:
                now = self._jobs()
                for job in before.keys() - now.keys():
                    self._looking.create_task(self._after(before[job]))
                before = now
                await asyncio.sleep(LOOK_SECONDS)

    async def _take_over(self, registered: asyncio.Event) -> None:
        await registered.wait()
        until = time.monotonic() + PREDECESSOR_SECONDS
        while self._inherited and time.monotonic() < until and self._looking is not None:
            for journal, call in list(self._inherited.items()):
                if await asyncio.to_thread(is_left, journal):
                    del self._inherited[journal]
                    self._looking.create_task(self._look_after(call))
            await asyncio.sleep(LOOK_SECONDS)

    async def _after(self, job: Job) -> None:
        session = transcript_id(job.room.sid, self._settings.agent.name)
        died = await has_died(self._settings.storage.journal_dir, session, job.id)
        await self._look_after(LeftCall(job.id, job.dispatch_id, job.room.name, job.room.sid, died))

    async def _look_after(self, call: LeftCall) -> None:
        """Follow `call` with another agent if somebody waits for one, now or within the grace."""
        if call.died and self._settings.livekit.is_cloud:
            return  # which sends another one by itself; that one knows the call by its room
        grace = self._settings.fleet.rejoin_grace
        until = time.monotonic() + (max(grace, PATIENCE_SECONDS) if call.died else grace)
        while time.monotonic() < until:
            try:
                if await self._followed(call):
                    return
            except (api.TwirpError, Refusal, TimeoutError) as trouble:
                logger.debug("whether somebody waits is not known: %s", type(trouble).__name__)
            except Exception:  # one room must not end the worker's care for the others
                logger.exception("a call that was left could not be looked after")
                return
            await asyncio.sleep(ROOM_LOOK_SECONDS)

    async def _followed(self, call: LeftCall) -> bool:
        """Look once; return whether nothing more is to be done for the call."""
        async with asyncio.timeout(2 * ROOM_SECONDS + TAKEN_SECONDS), livekit_api(self._settings) as server:
            listed = (await server.room.list_rooms(api.ListRoomsRequest(names=[call.room]))).rooms
            if not any(room.sid == call.room_sid for room in listed):
                return True
            verdict = await self._judge(server, call)
            if isinstance(verdict, Again):
                return await self._send(server, call, verdict)
            return not isinstance(verdict, Wait)

    async def _judge(self, server: api.LiveKitAPI, call: LeftCall) -> Verdict:
        present = await who_is_in(call.room, server, self._settings.agent.name)
        if not present.people:
            return Wait()
        return follow(call.job, call.dispatch, await self._dispatches(server, call.room), time.time(), died=call.died)

    async def _dispatches(self, server: api.LiveKitAPI, room: str) -> list[Dispatch]:
        listed = await server.agent_dispatch.list_dispatch(room)
        return [promise_of(each) for each in listed if each.agent_name == self._name]

    async def _send(self, server: api.LiveKitAPI, call: LeftCall, verdict: Again) -> bool:
        """Dispatch; return whether a worker has taken it, and take it back if none has.

        What is left of the lost agent goes first: where the next one, who has its identity, drove it out, the server
        would take that for the next one's end, and tell its job so (livekit-server 1.13.5, `rtc/room.go`,
        `RemoveParticipant`).
        """
        identity = errand.agent_identity(self._settings.agent.name, errand.read(verdict.metadata).part)
        with suppress(api.TwirpError, TimeoutError):  # it is gone already, with its node it may be
            async with asyncio.timeout(REMOVED_SECONDS):
                await server.room.remove_participant(api.RoomParticipantIdentity(room=call.room, identity=identity))
        again = api.CreateAgentDispatchRequest(agent_name=self._name, room=call.room, metadata=verdict.metadata)
        made = await server.agent_dispatch.create_dispatch(again)
        action = Action.of(call.room, call.room_sid, self._settings.agent.name, made.id, verdict)
        REDISPATCHES.count(cause=action.cause)
        logger.info("dispatched again", extra=action.as_json())
        until = time.monotonic() + TAKEN_SECONDS
        while time.monotonic() < until:
            if any(job.dispatch_id == made.id for job in self._jobs().values()):
                return True
            listed = (await who_is_in(call.room, server, self._settings.agent.name)).agents
            if identity in listed and await is_connected(call.room, identity, server):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        with suppress(api.TwirpError):
            await server.agent_dispatch.delete_dispatch(made.id, call.room)
        return False
