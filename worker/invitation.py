"""Short-lived tokens for one person and one room, with the agent sent to it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from livekit import api

from config import Settings
from worker import errand
from worker.errand import Errand
from worker.errors import Misused

LIFETIME = timedelta(minutes=15)
LONGEST_NAME = 256
"""Bytes of a room's name and an identity (livekit-server, `limit.max_room_name_length`)."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a client needs to join."""

    server_url: str
    token: str
    room: str
    identity: str
    expires_in_seconds: int


def invite(settings: Settings, room: str, identity: str | None = None) -> Invitation:
    """Return an invitation to `room` that dispatches the agent when it creates the room.

    Raises:
        Misused: the room's name or the identity is empty or too long for LiveKit.
    """
    identity = identity or f"caller-{uuid4().hex[:8]}"
    for what, name in (("--room", room), ("--identity", identity)):
        if not name.strip() or len(name.encode()) > LONGEST_NAME:
            raise Misused(f"{what} must be 1 to {LONGEST_NAME} bytes long.")
    livekit = settings.livekit
    assert livekit.url is not None and livekit.api_key is not None and livekit.api_secret is not None
    token = (
        api.AccessToken(livekit.api_key.get_secret_value(), livekit.api_secret.get_secret_value())
        .with_identity(identity)
        .with_ttl(LIFETIME)
        .with_grants(api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True))
    )
    if settings.agent.dispatch == "named":
        token = token.with_room_config(
            api.RoomConfiguration(
                agents=[
                    api.RoomAgentDispatch(
                        agent_name=settings.agent.name,
                        # The worker is asked before the server lists who has come.
                        metadata=errand.write("", Errand(identity=identity)),
                    )
                ]
            )
        )
    return Invitation(
        server_url=livekit.url,
        token=token.to_jwt(),
        room=room,
        identity=identity,
        expires_in_seconds=int(LIFETIME.total_seconds()),
    )
