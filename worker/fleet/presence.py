"""Who is in which room, as LiveKit tells it: people who can be spoken with, and agents."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from livekit import api
from livekit.protocol.models import ParticipantInfo

from config import Settings
from worker.errand import is_agent_identity
from worker.errors import Refusal
from worker.livekit_api import livekit_api
from worker.storage.errors import RoomsUnknown
from worker.storage.storing.leases import Lease

PEOPLE = (ParticipantInfo.Kind.STANDARD, ParticipantInfo.Kind.SIP, ParticipantInfo.Kind.CONNECTOR)
"""Kinds of participants that the framework's session listens to (livekit-agents, `RoomOptions.participant_kinds`)."""

PRESENT = (ParticipantInfo.State.JOINED, ParticipantInfo.State.ACTIVE)

NAME_OF_AGENT = "lk.agent.name"
"""Attribute in which the server writes the name that an agent was dispatched by (livekit-server, `pkg/agent`)."""

ASKED_AT_ONCE = 8
"""Rooms whose participants are asked for at the same time."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The identities of those who matter to a call; what records or watches a room in secret does not."""

    people: Sequence[str] = ()
    agents: Sequence[str] = ()
    """Agents of one name, or of all. One whose process was killed is listed for about 20 s more."""


def presence(participants: Iterable[ParticipantInfo], agent: str | None = None) -> Presence:
    """Return who is there of `participants`, counting agents named `agent`, or all agents."""
    people: list[str] = []
    agents: list[str] = []
    for each in participants:
        if each.state not in PRESENT:
            continue
        if each.kind == ParticipantInfo.Kind.AGENT:
            if agent is None or _is_named(agent, each):
                agents.append(each.identity)
        elif each.kind in PEOPLE and not (each.permission.hidden or each.permission.recorder):
            people.append(each.identity)
    return Presence(tuple(people), tuple(agents))


async def who_is_in(room: str, server: api.LiveKitAPI, agent: str | None = None) -> Presence:
    """Ask who is in the room of that name now: nobody, where there is no such room.

    Args:
        room: the room's name.
        server: who is asked.
        agent: the agents that count, by their name; all of them without.

    Raises:
        TwirpError: the server answered with an error.
    """
    try:
        found = await server.room.list_participants(api.ListParticipantsRequest(room=room))
    except api.TwirpError as error:
        if error.code == api.TwirpErrorCode.NOT_FOUND:  # it has just ended
            return Presence()
        raise
    return presence(found.participants, agent)


class LiveKitRooms:
    """The rooms of the LiveKit server in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def agents_in(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Return those whose agent is in the room of that name and id now.

        Names of rooms are used again, ids are not: an agent of the same identity in a later room is another's.

        Raises:
            RoomsUnknown: LiveKit did not answer, or the settings name none.
        """
        livekit = self._settings.livekit
        if livekit.url is None or livekit.api_key is None or livekit.api_secret is None:
            raise RoomsUnknown("whether the agent is still in its room, no LiveKit server can say: set LIVEKIT_URL")
        try:
            async with livekit_api(self._settings) as server:
                listed = await server.room.list_rooms(
                    api.ListRoomsRequest(names=sorted({lease.room for lease in leases}))
                )
                open_now = {(room.name, room.sid) for room in listed.rooms}
                rooms = sorted({lease.room for lease in leases if (lease.room, lease.room_sid) in open_now})
                present = await _in_each(rooms, server)
        except Refusal as error:
            raise RoomsUnknown(f"it is not known whether its agent is still in the room: {error}") from None
        return [
            lease
            for lease in leases
            if (lease.room, lease.room_sid) in open_now and lease.agent_identity in present[lease.room].agents
        ]


async def _in_each(rooms: Collection[str], server: api.LiveKitAPI) -> dict[str, Presence]:
    at_once = asyncio.Semaphore(ASKED_AT_ONCE)

    async def present(room: str) -> Presence:
        async with at_once:
            return await who_is_in(room, server)

    return dict(zip(rooms, await asyncio.gather(*map(present, rooms)), strict=True))


def _is_named(agent: str, participant: ParticipantInfo) -> bool:
    return participant.attributes.get(NAME_OF_AGENT) == agent or is_agent_identity(agent, participant.identity)
