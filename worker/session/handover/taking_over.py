"""The new agent's side of a hand-over: waits in the room until the old one has let go."""

import asyncio
import logging
from typing import Final

from livekit import api, rtc

from config import Settings
from worker.errors import Refusal
from worker.livekit_api import livekit_api
from worker.session.handover.protocol import METHOD, READY, Cut, is_agent

logger = logging.getLogger("verbatim.call")

WAIT_SECONDS: Final = 25.0
"""How long the old agent may take to let go: the pause that it waits for, its last words, and storing them."""

UNKNOWN_SECONDS: Final = 2.0
"""How long ago an old agent is taken to have stopped listening that went without a word."""

REMOVE_SECONDS: Final = 3.0


class TakingOver:
    """One hand-over. Make it when the room is joined, and before anything is said."""

    def __init__(self, settings: Settings, room: rtc.Room, predecessor: str) -> None:
        """Watch the old agent.

        Args:
            settings: where the server is.
            room: the room that both are in.
            predecessor: the old agent's identity.
        """
        self._settings = settings
        self._room = room
        self._predecessor = predecessor
        self._cut: asyncio.Future[Cut] = asyncio.get_running_loop().create_future()

    @property
    def is_due(self) -> bool:
        """Whether the old agent is in the room."""
        return is_agent(self._room.remote_participants.get(self._predecessor))

    async def wait(self) -> Cut:
        """Show that this agent is ready, and return when the old one has let go, or is gone."""
        local = self._room.local_participant
        self._room.on("participant_disconnected", self._somebody_left)
        local.register_rpc_method(METHOD, self._let_go)
        try:
            await local.set_attributes({READY: "ready"})
            if not self.is_due:
                self._gone()
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._cut
        except TimeoutError:
            logger.warning("the agent before this one does not let go: removing it")
            await self._remove()
            return Cut(UNKNOWN_SECONDS)
        finally:
            local.unregister_rpc_method(METHOD)
            self._room.off("participant_disconnected", self._somebody_left)

    async def _let_go(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self._predecessor:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.APPLICATION_ERROR, "only the agent before this one lets go")
        cut = Cut.decode(call.payload)
        if not self._cut.done():
            self._cut.set_result(cut)
        return ""

    def _somebody_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._predecessor:
            self._gone()

    def _gone(self) -> None:
        if not self._cut.done():
            logger.warning("the agent before this one went without a word")
            self._cut.set_result(Cut(UNKNOWN_SECONDS))

    async def _remove(self) -> None:
        gone = api.RoomParticipantIdentity(room=self._room.name, identity=self._predecessor)
        try:
            async with livekit_api(self._settings, REMOVE_SECONDS) as server:
                await server.room.remove_participant(gone)
        except Refusal as refusal:
            logger.warning("the agent before this one could not be removed: %s", refusal)
