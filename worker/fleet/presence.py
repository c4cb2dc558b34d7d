"""Which agents are in their rooms, as LiveKit tells it."""

import asyncio
from collections.abc import Collection

from livekit import api

from config import Settings
from worker.errors import Refusal
from worker.livekit_api import livekit_api
from worker.storage.errors import RoomsUnknown
from worker.storage.leases import Lease

ASKED_AT_ONCE = 8
"""Rooms whose participants are asked for at the same time."""


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
            async with livekit_api(self._settings) as client:
                listed = await client.room.list_rooms(
                    api.ListRoomsRequest(names=sorted({lease.room for lease in leases}))
                )
                open_now = {(room.name, room.sid) for room in listed.rooms}
                rooms = sorted({lease.room for lease in leases if (lease.room, lease.room_sid) in open_now})
                present = await _identities(client, rooms)
        except Refusal as error:
            raise RoomsUnknown(f"it is not known whether its agent is still in the room: {error}") from None
        return [
            lease
            for lease in leases
            if (lease.room, lease.room_sid) in open_now and lease.agent_identity in present[lease.room]
        ]


async def _identities(client: api.LiveKitAPI, rooms: Collection[str]) -> dict[str, set[str]]:
    """Return who is in each room."""
    at_once = asyncio.Semaphore(ASKED_AT_ONCE)

    async def identities(room: str) -> set[str]:
        async with at_once:
            try:
                found = await client.room.list_participants(api.ListParticipantsRequest(room=room))
            except api.TwirpError as error:
                if error.code == api.TwirpErrorCode.NOT_FOUND:  # it has just ended
                    return set()
                raise
        return {participant.identity for participant in found.participants}

    return dict(zip(rooms, await asyncio.gather(*map(identities, rooms)), strict=True))
