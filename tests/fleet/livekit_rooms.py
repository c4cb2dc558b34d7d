"""LiveKit's API for rooms and dispatches, as much of it as the watcher uses, in the server's own wire format."""

import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from google.protobuf.message import Message
from livekit.protocol.agent import Job, JobState
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    AgentDispatchState,
    CreateAgentDispatchRequest,
    DeleteAgentDispatchRequest,
    ListAgentDispatchRequest,
    ListAgentDispatchResponse,
)
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.room import (
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsResponse,
    RemoveParticipantResponse,
    RoomParticipantIdentity,
    UpdateSubscriptionsRequest,
    UpdateSubscriptionsResponse,
)


def person(identity: str = "ada", *, speaks: bool = False) -> ParticipantInfo:
    return ParticipantInfo(identity=identity, state=ParticipantInfo.State.ACTIVE, is_publisher=speaks)


def agent(identity: str = "agent-verbatim-1") -> ParticipantInfo:
    return ParticipantInfo(identity=identity, kind=ParticipantInfo.Kind.AGENT, state=ParticipantInfo.State.ACTIVE)


@dataclass
class OneRoom:
    """One room; `counts` are people and publishers as a list of rooms tells them.

    `lost` are the identities of those who are listed and were connected with a node that died; without a `node` all of
    the room was on it.
    """

    name: str
    participants: list[ParticipantInfo] = field(default_factory=lambda: [person()])
    dispatches: list[AgentDispatch] = field(default_factory=list)
    counts: tuple[int, int] = (1, 1)
    created_s: float = 0.0
    status: int = 200
    lost: set[str] = field(default_factory=set)
    node: bool = True


class LiveKitRooms:
    """Answers as livekit-server does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.rooms: dict[str, OneRoom] = {}
        self.asked: list[tuple[str, str]] = []
        self._numbers = itertools.count(1)

    def open(self, name: str, **more: Any) -> OneRoom:
        self.rooms[name] = OneRoom(name, **more)
        return self.rooms[name]

    def promise(self, room: OneRoom, age_s: float, *, job: bool, metadata: str = "", name: str = "verbatim") -> str:
        """Adds a dispatch of that age, which a worker took or not; returns its id."""
        number, at = next(self._numbers), int((time.time() - age_s) * 1e9)
        state = JobState(participant_identity="agent-verbatim-1", started_at=at)
        jobs = [Job(id=f"AJ_{number}", state=state)] if job else []
        dispatch = AgentDispatch(
            id=f"AD_{number}", agent_name=name, room=room.name, metadata=metadata,
            state=AgentDispatchState(created_at=at, jobs=jobs),
        )  # fmt: skip
        room.dispatches.append(dispatch)
        return dispatch.id

    def asked_about(self, room: str) -> list[str]:
        return [method for method, name in self.asked if name == room]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LiveKitRooms"]:
        app = web.Application()
        for service, method, answer in (
            ("RoomService", "ListRooms", self._list_rooms),
            ("RoomService", "ListParticipants", self._list_participants),
            ("RoomService", "RemoveParticipant", self._remove_participant),
            ("RoomService", "UpdateSubscriptions", self._update_subscriptions),
            ("AgentDispatchService", "ListDispatch", self._list_dispatch),
            ("AgentDispatchService", "CreateDispatch", self._create_dispatch),
            ("AgentDispatchService", "DeleteDispatch", self._delete_dispatch),
        ):
            app.router.add_post(f"/twirp/livekit.{service}/{method}", _answering(answer))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def _list_rooms(self, _: bytes) -> Message:
        return ListRoomsResponse(
            rooms=[
                Room(
                    name=room.name, sid=f"RM_{room.name}", num_participants=room.counts[0],
                    num_publishers=room.counts[1], creation_time_ms=int(1000 * room.created_s),
                )
                for room in self.rooms.values()
            ]
        )  # fmt: skip

    def _room(self, method: str, name: str) -> OneRoom:
        self.asked.append((method, name))
        room = self.rooms[name]
        if room.status != 200:
            raise web.HTTPServiceUnavailable
        return room

    def _list_participants(self, body: bytes) -> Message:
        room = self._room("ListParticipants", ListParticipantsRequest.FromString(body).room)
        return ListParticipantsResponse(participants=room.participants)

    def _remove_participant(self, body: bytes) -> Message:
        asked = RoomParticipantIdentity.FromString(body)
        room = self._room("RemoveParticipant", asked.room)
        room.participants = [each for each in room.participants if each.identity != asked.identity]
        return RemoveParticipantResponse()

    def _update_subscriptions(self, body: bytes) -> Message:
        asked = UpdateSubscriptionsRequest.FromString(body)
        room = self._room("UpdateSubscriptions", asked.room)
        assert not asked.track_sids and not asked.participant_tracks, "nothing may change"
        if not room.node or asked.identity in room.lost:
            raise nobody_answers()
        return UpdateSubscriptionsResponse()

    def _list_dispatch(self, body: bytes) -> Message:
        room = self._room("ListDispatch", ListAgentDispatchRequest.FromString(body).room)
        if not room.node:
            raise nobody_answers()
        return ListAgentDispatchResponse(agent_dispatches=room.dispatches)

    def _create_dispatch(self, body: bytes) -> Message:
        asked = CreateAgentDispatchRequest.FromString(body)
        room = self._room("CreateDispatch", asked.room)
        self.promise(room, 0.0, job=False, metadata=asked.metadata, name=asked.agent_name)
        return room.dispatches[-1]

    def _delete_dispatch(self, body: bytes) -> Message:
        asked = DeleteAgentDispatchRequest.FromString(body)
        room = self._room("DeleteDispatch", asked.room)
        (gone,) = [each for each in room.dispatches if each.id == asked.dispatch_id]
        room.dispatches.remove(gone)
        return gone


def nobody_answers() -> web.HTTPException:
    """What livekit-server answers after 3 s where none of its nodes has whom it is asked about."""
    error = '{"code": "unavailable", "msg": "twirp error unknown: no response from servers"}'
    return web.HTTPServiceUnavailable(text=error, content_type="application/json")


def _answering(answer: Callable[[bytes], Message]) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        answered = answer(await request.read())
        return web.Response(body=answered.SerializeToString(), content_type="application/protobuf")

    return handle
