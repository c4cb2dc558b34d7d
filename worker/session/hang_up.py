"""Closing a room, so that nobody waits in it in silence."""

import asyncio
import logging

from livekit import api

from config import Settings
from worker.livekit_api import livekit_api

logger = logging.getLogger("verbatim.call")

SECONDS = 3.0
"""How long the server may take."""


async def close_room(settings: Settings, name: str, sid: str) -> None:
    """Delete the room, if it is still there; never raises.

    A room of the same name that is another one by now is left alone: names are used again, ids are not.
    """
    try:
        # Not the job's own client, whose connections the framework closes before the last of a process that ends.
        async with asyncio.timeout(SECONDS), livekit_api(settings) as server:
            listed = await server.room.list_rooms(api.ListRoomsRequest(names=[name]))
            if any(room.sid == sid for room in listed.rooms):
                await server.room.delete_room(api.DeleteRoomRequest(room=name))
    except Exception as error:  # the room then ends with its last participant
        logger.warning("the room could not be closed: %s", type(error).__name__)
