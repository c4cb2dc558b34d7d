"""What a call leaves of its room: nobody who waits in silence, and nobody to whom an agent is still promised."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import api

from config import Settings
from worker.livekit_api import livekit_api

logger = logging.getLogger("verbatim.call")

SECONDS = 3.0
"""How long the server may take."""


async def close_room(settings: Settings, name: str, sid: str) -> None:
    """Delete the room, if it is still there; never raises."""
    try:
        async with _server(settings, name, sid) as server:
            if server is not None:
                await server.room.delete_room(api.DeleteRoomRequest(room=name))
    except Exception as error:  # the room then ends with its last participant
        logger.warning("the room could not be closed: %s", type(error).__name__)


async def take_back(settings: Settings, name: str, sid: str, agent: str) -> None:
    """Delete what promises the room an agent of this name, if it is still there; never raises.

    A watcher takes a promise without an agent for an agent that was lost, and sends another.
    """
    try:
        async with _server(settings, name, sid) as server:
            if server is not None:
                for each in await server.agent_dispatch.list_dispatch(name):
                    if each.agent_name == agent:
                        await server.agent_dispatch.delete_dispatch(each.id, name)
    except Exception as error:
        logger.warning("the agent's dispatch could not be deleted: %s", type(error).__name__)


@asynccontextmanager
async def _server(settings: Settings, name: str, sid: str) -> AsyncIterator[api.LiveKitAPI | None]:
    """Yield a client for what is done to the room, or `None` where a room of that name is another one by now.

    Names are used again, ids are not. It is not the job's own client, whose connections the framework closes before
    the last of a process that ends.
    """
    async with asyncio.timeout(SECONDS), livekit_api(settings) as server:
        listed = await server.room.list_rooms(api.ListRoomsRequest(names=[name]))
        yield server if any(room.sid == sid for room in listed.rooms) else None
