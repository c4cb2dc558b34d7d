"""Who is in a room, of those who matter to a call, and whether an agent is in its own: names are used again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit import api, rtc
from livekit.protocol.models import ParticipantInfo, ParticipantPermission

from config import Settings
from tests.parts.livekit_server import LiveKitServer
from worker.fleet.presence import LiveKitRooms, Presence, presence
from worker.storage.errors import RoomsUnknown
from worker.storage.storing.leases import Lease

AGENT = "agent-verbatim-1"

Kind, State = ParticipantInfo.Kind, ParticipantInfo.State


def someone(
    identity: str = "ada",
    kind: ParticipantInfo.Kind = Kind.STANDARD,
    state: ParticipantInfo.State = State.ACTIVE,
    **more: object,
) -> ParticipantInfo:
    return ParticipantInfo(identity=identity, kind=kind, state=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Kind.STANDARD, Kind.SIP, Kind.CONNECTOR])
@pytest.mark.parametrize("state", [State.JOINED, State.ACTIVE])
def test_a_person_is_one_who_can_be_spoken_with(kind: ParticipantInfo.Kind, state: ParticipantInfo.State) -> None:
    assert presence([someone(kind=kind, state=state)], "verbatim") == Presence(people=("ada",))


@pytest.mark.parametrize(
    "other",
    [
        someone(kind=Kind.EGRESS),
        someone(kind=Kind.INGRESS),
        someone(state=State.JOINING),
        someone(state=State.DISCONNECTED),
        someone(permission=ParticipantPermission(hidden=True)),
        someone(permission=ParticipantPermission(recorder=True)),
        someone("agent-other-1", Kind.AGENT, attributes={"lk.agent.name": "other"}),
        someone("agent-verbatim-1", Kind.AGENT, State.DISCONNECTED),
    ],
)
def test_nobody_else_counts(other: ParticipantInfo) -> None:
    assert presence([other], "verbatim") == Presence()


@pytest.mark.parametrize(
    "agent",
    [
        someone("agent-verbatim-2", Kind.AGENT, State.JOINED),
        someone("of another make", Kind.AGENT, attributes={"lk.agent.name": "verbatim"}),
    ],
)
def test_an_agent_is_known_by_its_identity_and_by_the_name_it_was_sent_for(agent: ParticipantInfo) -> None:
    assert presence([agent], "verbatim") == Presence(agents=(agent.identity,))


def test_a_person_who_takes_the_name_of_an_agent_is_none() -> None:
    assert presence([someone("agent-verbatim-1")], "verbatim") == Presence(people=("agent-verbatim-1",))


def test_where_no_name_is_asked_for_agents_of_all_names_count() -> None:
    agents = [someone("agent-verbatim-1", Kind.AGENT), someone("agent-other-1", Kind.AGENT), someone()]
    assert presence(agents) == Presence(people=("ada",), agents=("agent-verbatim-1", "agent-other-1"))


def settings(server: LiveKitServer) -> Settings:
    livekit = {"url": server.url, "api_key": server.api_key, "api_secret": server.api_secret}
    return Settings.model_validate({"livekit": livekit})


def lease(room: str, sid: str, identity: str = AGENT) -> Lease:
    prefix = f"2026/11/21/{room}/{sid}-verbatim"
    return Lease(prefix=prefix, room=room, room_sid=sid, agent_identity=identity)


@asynccontextmanager
async def agent_in(server: LiveKitServer, name: str) -> AsyncIterator[str]:
    """Somebody with the agent's identity is in the room; yields the room's id."""
    grants = api.VideoGrants(room_join=True, room=name)
    token = api.AccessToken(server.api_key, server.api_secret).with_identity(AGENT).with_kind("agent")
    room = rtc.Room()
    await room.connect(server.url, token.with_grants(grants).to_jwt())
    try:
        async with asyncio.timeout(10):
            yield await room.sid
    finally:
        await room.disconnect()


async def test_an_agent_is_present_in_the_room_of_that_id_alone(livekit_server: LiveKitServer) -> None:
    rooms = LiveKitRooms(settings(livekit_server))
    async with agent_in(livekit_server, "presence") as sid:
        here = lease("presence", sid)
        others = [lease("presence", "RM_before"), lease("presence", sid, "agent-verbatim-2"), lease("nowhere", "RM_1")]
        assert list(await rooms.agents_in([*others, here])) == [here]
        assert list(await rooms.agents_in(others)) == []


async def test_an_agent_that_has_left_is_not_present(livekit_server: LiveKitServer) -> None:
    rooms = LiveKitRooms(settings(livekit_server))
    async with agent_in(livekit_server, "presence-left") as sid:
        pass
    async with asyncio.timeout(20):
        while await rooms.agents_in([lease("presence-left", sid)]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "livekit",
    [{}, {"url": "ws://127.0.0.1:1", "api_key": "key", "api_secret": "secret-of-livekit-with-32-characters"}],
)
async def test_a_server_that_does_not_answer_says_nothing(livekit: dict[str, str]) -> None:
    rooms = LiveKitRooms(Settings.model_validate({"livekit": livekit}))
    with pytest.raises(RoomsUnknown, match="whether"):
        await rooms.agents_in([lease("support", "RM_1")])
