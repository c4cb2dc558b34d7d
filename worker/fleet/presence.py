"""Who is in which room, as LiveKit tells it: people who can be spoken with, and agents."""

import asyncio
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from livekit import api
from livekit.protocol.models import ParticipantInfo, Room

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

DENIED_SECONDS = 4.0
"""How long the server may take to say that it is connected with nobody of a name; it takes 3 (livekit-server 1.13.5,
the deadline of a request in livekit/psrpc)."""

ASKED_AT_ONCE = 8
"""Rooms whose participants are asked for at the same time."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The identities of those who matter to a call; what records or watches a room in secret does not."""

    people: Sequence[str] = ()
    agents: Sequence[str] = ()
    """Agents of one name, or of all. One whose process was killed is listed for about 20 s more."""
    publishing: int = 0
    """How many of the people send sound or pictures."""


def presence(participants: Iterable[ParticipantInfo], agent: str | None = None) -> Presence:
    """Return who is there of `participants`, counting agents named `agent`, or all agents."""
    people: list[str] = []
    agents: list[str] = []
    publishing = 0
    for each in participants:
        if each.state not in PRESENT:
            continue
        if each.kind == ParticipantInfo.Kind.AGENT:
            if agent is None or _is_named(agent, each):
                agents.append(each.identity)
        elif each.kind in PEOPLE and not (each.permission.hidden or each.permission.recorder):
            people.append(each.identity)
            publishing += each.is_publisher
    return Presence(tuple(people), tuple(agents), publishing)


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


async def is_connected(room: str, identity: str, server: api.LiveKitAPI, patience_s: float = DENIED_SECONDS) -> bool:
    """Ask whether somebody whom the server lists is connected with it.

    Whoever was connected with a node that died is listed until the room ends (livekit-server 1.13.5 keeps the list in
    Redis, and none of its nodes clears another's). To subscribe somebody to no track changes nothing, and needs a node
    that has them: without one the server says so after 3 s.

    Args:
        room: the room's name.
        identity: who is listed.
        server: who is asked.
        patience_s: whose node has not answered by then is not connected; a node answers in milliseconds.

    Raises:
        TwirpError: the server answered with another error.
    """
    try:
        async with asyncio.timeout(patience_s):
            await server.room.update_subscriptions(api.UpdateSubscriptionsRequest(room=room, identity=identity))
    except TimeoutError:
        return False
    except api.TwirpError as error:
        if error.code in (api.TwirpErrorCode.NOT_FOUND, api.TwirpErrorCode.UNAVAILABLE):
            return False
        raise
    return True


async def who_is_served_in(
    room: Room, server: api.LiveKitAPI, agent: str, patience_s: float = DENIED_SECONDS
) -> Presence:
    """Ask who is in `room`, and which of the agents of a name are connected with it.

    Args:
        room: as the server has just told it. Where more publish than people do an agent is there, for all agents do.
        server: who is asked.
        agent: the agents that count, by their name.
        patience_s: as `is_connected`.

    Raises:
        TwirpError: the server answered with an error.
    """
    present = await who_is_in(room.name, server, agent)
    if room.num_publishers > present.publishing:
        return present
    connected = await asyncio.gather(*(is_connected(room.name, each, server, patience_s) for each in present.agents))
    return replace(present, agents=tuple(itertools.compress(present.agents, connected)))


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
                doubtful = [
                    lease
                    for lease in leases
                    if (lease.room, lease.room_sid) in open_now and lease.agent_identity in present[lease.room].agents
                ]
                return await _connected(doubtful, server)
        except Refusal as error:
            raise RoomsUnknown(f"it is not known whether its agent is still in the room: {error}") from None


async def _connected(leases: Sequence[Lease], server: api.LiveKitAPI) -> Collection[Lease]:
    asked = (is_connected(lease.room, lease.agent_identity, server) for lease in leases)
    return list(itertools.compress(leases, await asyncio.gather(*asked)))


async def _in_each(rooms: Collection[str], server: api.LiveKitAPI) -> dict[str, Presence]:
    at_once = asyncio.Semaphore(ASKED_AT_ONCE)

    async def present(room: str) -> Presence:
        async with at_once:
            return await who_is_in(room, server)

    return dict(zip(rooms, await asyncio.gather(*map(present, rooms)), strict=True))


def _is_named(agent: str, participant: ParticipantInfo) -> bool:
    return participant.attributes.get(NAME_OF_AGENT) == agent or is_agent_identity(agent, participant.identity)
