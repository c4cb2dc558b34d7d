"""Looks after people who wait: asks the server every few seconds, and dispatches again where an agent is missing.

Only one of these should run, and nothing breaks where two do: both would send an agent of the same identity, of which
the server keeps one.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from livekit import api
from livekit.protocol.agent import JobType
from livekit.protocol.agent_dispatch import AgentDispatch

from config import Settings
from worker import errand
from worker.errors import Refusal
from worker.fleet.presence import is_connected, who_is_served_in
from worker.fleet.promises import Again, Counts, Dispatch, Hopeless, Kept, Verdict, Wait, is_worth_a_look, judge
from worker.livekit_api import livekit_api
from worker.metrics.definitions import LOOKS, REDISPATCHES

logger = logging.getLogger("verbatim.watch")
alert = logging.getLogger("verbatim.alert")

INTERVAL_S = 5.0
"""Between two looks at the list of rooms."""

ROOM_SECONDS = 4.0
"""How long the server may take for one room; for one that has just ended it waits 3 itself."""

ROUND_SECONDS = 60.0
"""How long one look at everything may take."""

EXAMINED_SECONDS = 12.0
"""How long it may take to find out about one room: up to three times the server waits 3 s for a node that died."""

ROOMS_AT_ONCE = 8

AGENTS_KEEP_DYING = "agents_keep_dying"
"""Name of the alert; it comes once a room, and once more when an agent stays."""


@dataclass(frozen=True, slots=True)
class Action:
    """One dispatch that was made, as it is logged and printed: without anything that was said."""

    room: str
    room_sid: str
    agent: str
    cause: str
    dispatch: str
    part: int
    resume_of: str | None
    replaced: Sequence[str]
    deaths: int

    @classmethod
    def of(cls, room: str, room_sid: str, agent: str, dispatch: str, verdict: Again) -> "Action":
        """Return the action that made `dispatch`, as `verdict` said."""
        sent_for = errand.read(verdict.metadata)
        return cls(
            room=room,
            room_sid=room_sid,
            agent=agent,
            cause=verdict.cause.value,
            dispatch=dispatch,
            part=sent_for.part,
            resume_of=sent_for.resume_of,
            replaced=verdict.replaced,
            deaths=verdict.deaths,
        )

    def as_json(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Round:
    """What one look found and did.

    Attributes:
        rooms: how many there are.
        waiting: names of those in which somebody still waits and nothing was done.
        hopeless: names of those where agents keep dying.
        actions: what was done.
    """

    rooms: int
    waiting: Sequence[str]
    hopeless: Sequence[str]
    actions: Sequence[Action]

    def as_json(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


class Watcher:
    """One watcher. What it remembers only saves questions; all that it decides by is on the server."""

    def __init__(self, settings: Settings, notify: Callable[[Action], None] | None = None) -> None:
        """Begin with nothing known.

        Args:
            settings: the server, and the agent's name.
            notify: is told of each action.
        """
        self._settings = settings
        self._notify = notify
        # A worker for every room registers without a name, and that is what its dispatches have.
        self._name = settings.agent.name if settings.agent.dispatch == "named" else ""
        self._counts: dict[str, Counts] = {}
        self._unsettled: set[str] = set()
        self._hopeless: dict[str, str] = {}
        self._trouble: str | None = None
        self.found: Round | None = None
        """What the last look found that could be had."""

    async def run(self) -> None:
        """Look again and again until cancelled; a server that cannot be reached, or refuses the key, is waited for."""
        while True:
            began = time.monotonic()
            try:
                self.found = await self.look()
                LOOKS.count(result="done")
                self._say(None)
            except Refusal as refusal:
                LOOKS.count(result="failed")
                self._say(str(refusal))
            except Exception:  # one look that fails must not leave people waiting for ever
                LOOKS.count(result="failed")
                logger.exception("a look at the rooms failed")
            await asyncio.sleep(max(0.0, INTERVAL_S - (time.monotonic() - began)))

    async def look(self) -> Round:
        """Look at all rooms once, and send agents where they are missing, to those first who wait longest.

        Raises:
            Refusal: the server cannot be asked; the sentence says why.
        """
        async with livekit_api(self._settings, ROUND_SECONDS) as server:
            listed = (await server.room.list_rooms(api.ListRoomsRequest())).rooms
            rooms = sorted(listed, key=lambda room: room.creation_time_ms or 1000 * room.creation_time)
            doubtful = self._doubtful(rooms)
            places = asyncio.Semaphore(ROOMS_AT_ONCE)
            verdicts = await asyncio.gather(*(self._examine(server, room, places) for room in doubtful))
            actions = [
                action
                for room, verdict in zip(doubtful, verdicts, strict=True)
                if isinstance(verdict, Again) and (action := await self._dispatch(server, room, verdict)) is not None
            ]
        done = {action.room_sid for action in actions}
        return Round(
            rooms=len(rooms),
            waiting=[room.name for room in doubtful if room.sid in self._unsettled - done],
            hopeless=list(self._hopeless.values()),
            actions=actions,
        )

    def _doubtful(self, rooms: Sequence[api.Room]) -> Sequence[api.Room]:
        before, self._counts = self._counts, {room.sid: _counts(room) for room in rooms}
        doubtful = [
            room
            for room in rooms
            if room.sid in self._unsettled or is_worth_a_look(before.get(room.sid), _counts(room))
        ]
        # A room that cannot be asked this time stays among them.
        self._unsettled = {room.sid for room in doubtful}
        for sid in self._hopeless.keys() - self._unsettled:
            self._relieve(sid)
        return doubtful

    async def _examine(self, server: api.LiveKitAPI, room: api.Room, places: asyncio.Semaphore) -> Verdict | None:
        async with places:
            # Whatever fails for one room, which may have ended meanwhile, concerns no other.
            with suppress(api.TwirpError, TimeoutError):
                async with asyncio.timeout(EXAMINED_SECONDS):
                    verdict = await self._judge(server, room)
                self._note(room, verdict)
                return verdict
        return None

    async def _judge(self, server: api.LiveKitAPI, room: api.Room) -> Verdict:
        present = await who_is_served_in(room, server, self._settings.agent.name)
        if present.agents or not present.people:
            return Kept()
        try:
            dispatches = await server.agent_dispatch.list_dispatch(room.name)
        except api.TwirpError as error:
            if error.code == api.TwirpErrorCode.UNAVAILABLE:  # its node died, and nobody has come back to another
                return Kept()
            raise
        ours = [promise_of(each) for each in dispatches if each.agent_name == self._name]
        verdict = judge(present, ours, time.time())
        if isinstance(verdict, Again) and not await self._is_anybody_there(server, room.name, present.people):
            return Wait()
        return verdict

    async def _is_anybody_there(self, server: api.LiveKitAPI, room: str, people: Sequence[str]) -> bool:
        return any(await asyncio.gather(*(is_connected(room, each, server) for each in people)))

    def _note(self, room: api.Room, verdict: Verdict) -> None:
        if isinstance(verdict, Kept):
            self._unsettled.discard(room.sid)
            self._relieve(room.sid)
        elif isinstance(verdict, Hopeless) and room.sid not in self._hopeless:
            self._hopeless[room.sid] = room.name
            alert.error(
                "somebody waits in %s, and %d agents have died there: see the worker's log; the next is sent when "
                "these deaths are 5 minutes past",
                room.name,
                verdict.deaths,
                extra={"alert": AGENTS_KEEP_DYING, "room": room.name, "room_sid": room.sid},
            )

    def _relieve(self, sid: str) -> None:
        if (name := self._hopeless.pop(sid, None)) is not None:
            fields = {"alert": AGENTS_KEEP_DYING, "room": name, "room_sid": sid, "over": True}
            alert.warning("nobody waits in %s any more", name, extra=fields)

    async def _dispatch(self, server: api.LiveKitAPI, room: api.Room, verdict: Again) -> Action | None:
        again = api.CreateAgentDispatchRequest(agent_name=self._name, room=room.name, metadata=verdict.metadata)
        try:
            # First the new promise, then away with the old: whatever ends this process between, one is there.
            async with asyncio.timeout(ROOM_SECONDS):
                made = await server.agent_dispatch.create_dispatch(again)
        except (api.TwirpError, TimeoutError):
            return None
        action = Action.of(room.name, room.sid, self._settings.agent.name, made.id, verdict)
        REDISPATCHES.count(cause=action.cause)
        logger.info("dispatched again", extra=action.as_json())
        if self._notify is not None:
            self._notify(action)
        for each in verdict.replaced:
            with suppress(api.TwirpError, TimeoutError):
                async with asyncio.timeout(ROOM_SECONDS):
                    await server.agent_dispatch.delete_dispatch(each, room.name)
        return action

    def _say(self, trouble: str | None) -> None:
        before, self._trouble = self._trouble, trouble
        if trouble is not None and before is None:
            logger.error("nobody who waits can be helped now: %s", trouble)
        if trouble is None and before is not None:
            logger.warning("LiveKit answers again")


def _counts(room: api.Room) -> Counts:
    return Counts(room.num_participants, room.num_publishers)


def promise_of(dispatch: AgentDispatch) -> Dispatch:
    """Return what a dispatch of the server promises."""
    # A job that a worker refused for good has ended in the same moment, and was never anybody's agent.
    jobs = [job for job in dispatch.state.jobs if job.type == JobType.JT_ROOM and job.state.participant_identity]
    newest = max(jobs, key=lambda job: job.state.started_at, default=None)
    return Dispatch(
        id=dispatch.id,
        created_s=dispatch.state.created_at / 1e9,
        metadata=dispatch.metadata,
        job=newest.id if newest is not None else None,
        started_s=newest.state.started_at / 1e9 if newest is not None else 0.0,
    )
