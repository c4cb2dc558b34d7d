"""The livekit-server fixture gives a server that a client can use."""

from livekit import api

from tests.parts.livekit_server import LiveKitServer


async def test_a_room_can_be_made_with_the_credentials_of_the_fixture(livekit_server: LiveKitServer) -> None:
    async with api.LiveKitAPI(livekit_server.url, livekit_server.api_key, livekit_server.api_secret) as client:
        room = await client.room.create_room(api.CreateRoomRequest(name="fixture"))
        assert room.sid.startswith("RM_")
        await client.room.delete_room(api.DeleteRoomRequest(room="fixture"))
