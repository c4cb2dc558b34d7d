"""A caller's way into a room: a short-lived token for that room alone, which may bring an agent with it."""

import datetime

from livekit import api

LIFETIME = datetime.timedelta(minutes=15)


def caller_token(
    api_key: str, api_secret: str, room: str, *, identity: str = "caller", agent_name: str | None = None
) -> str:
    """Signs a token.

    Args:
        api_key: The server's key.
        api_secret: Its secret.
        room: The one room that it opens.
        identity: Who joins.
        agent_name: The agent to dispatch when the room is created; None dispatches none by name.
    """
    token = (
        api.AccessToken(api_key, api_secret)
        .with_identity(identity)
        .with_ttl(LIFETIME)
        .with_grants(api.VideoGrants(room_join=True, room=room))
    )
    if agent_name is not None:
        dispatch = api.RoomAgentDispatch(agent_name=agent_name)
        token = token.with_room_config(api.RoomConfiguration(agents=[dispatch]))
    return token.to_jwt()
