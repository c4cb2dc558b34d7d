"""Closing a room, so that nobody waits in it in silence."""

import asyncio
import logging

from livekit import api
from livekit.agents import JobContext

logger = logging.getLogger("verbatim.call")

SECONDS = 3.0
"""How long the server may take."""


async def close_room(context: JobContext) -> None:
    """Delete the job's room, if it is still there; never raises.

    A room of the same name that is another one by now is left alone: names are used again, ids are not.
    """
    name, sid = context.job.room.name, context.job.room.sid
    try:
        async with asyncio.timeout(SECONDS):
            listed = await context.api.room.list_rooms(api.ListRoomsRequest(names=[name]))
            if any(room.sid == sid for room in listed.rooms):
                await context.api.room.delete_room(api.DeleteRoomRequest(room=name))
    except Exception as error:  # the room then ends with its last participant
        logger.warning("the room could not be closed: %s", type(error).__name__)
