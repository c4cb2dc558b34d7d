"""A caller's way into a room: a short-lived token for that room alone, which may bring an agent with it."""

import datetime
from collections.abc import Mapping
from uuid import uuid4

from livekit import api

LIFETIME = datetime.timedelta(minutes=15)


def caller_token(
    api_key: str,
    api_secret: str,
    room: str,
    *,
    identity: str = "caller",
    agent_name: str | None = None,
    phone: Mapping[str, str] | None = None,
) -> str:
    """Signs a token.

    Args:
        api_key: The server's key.
        api_secret: Its secret.
        room: The one room that it opens.
        identity: Who joins.
        agent_name: The agent to dispatch when the room is created; None dispatches none by name.
        phone: The `sip.*` attributes of a participant on a phone, as LiveKit's SIP service sets them; None: it is none.
    """
    token = (
        api.AccessToken(api_key, api_secret)
        .with_identity(identity)
        .with_ttl(LIFETIME)
        .with_grants(api.VideoGrants(room_join=True, room=room))
    )
    if phone is not None:
        token = token.with_kind("sip").with_attributes(dict(phone))
    if agent_name is not None:
        dispatch = api.RoomAgentDispatch(agent_name=agent_name)
        token = token.with_room_config(api.RoomConfiguration(agents=[dispatch]))
    return token.to_jwt()


def phone_attributes(number: str, *, status: str = "active") -> dict[str, str]:
    """What LiveKit's SIP service tells of a participant on a phone (LiveKit SIP, "SIP participant attributes")."""
    return {
        "sip.phoneNumber": number,
        "sip.trunkPhoneNumber": "+15550100",
        "sip.callID": f"SCL_{uuid4().hex[:12]}",
        "sip.callIDFull": f"{uuid4().hex}@sip.example.org",
        "sip.callStatus": status,
        "sip.trunkID": "ST_standin",
    }
