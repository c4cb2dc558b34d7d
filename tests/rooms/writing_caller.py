"""A caller who writes and reads: says and hears nothing itself, and costs next to nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import rtc

from standins.caller.captions import Captions
from standins.caller.loopback import keep_direct
from tests.rooms.patient_caller import QUESTION, TOPIC
from tests.rooms.surroundings import Surroundings, until

PATIENCE_S = 60.0


class WritingCaller:
    """Writes, and reads what the agent says."""

    def __init__(self, room: rtc.Room, captions: Captions) -> None:
        self._room = room
        self._captions = captions
        self._said = 0

    async def hear(self) -> None:
        """Waits for what the agent says next, to its end."""

        async def finished() -> bool | None:
            said = [each for each in self._captions.all() if each.speaker.startswith("agent-")]
            return True if len(said) > self._said and said[self._said].is_final else None

        await until(finished, PATIENCE_S, "the agent said nothing")
        self._said += 1

    async def ask(self) -> None:
        """Asks, and waits for the answer."""
        await self._room.local_participant.send_text(QUESTION, topic=TOPIC)
        await self.hear()

    @property
    def agents(self) -> set[str]:
        """The ids of the agents that are there and could be heard; an agent that joins again has another one."""
        present = self._room.remote_participants.values()
        return {each.sid for each in present if any(track.subscribed for track in each.track_publications.values())}

    async def agent_other_than(self, before: set[str], deadline_s: float = PATIENCE_S) -> None:
        """Waits until an agent is there that was not there before."""

        async def other() -> bool | None:
            return True if self.agents - before else None

        await until(other, deadline_s, "no agent came back")

    async def agent_gone(self) -> None:
        """Waits until no agent is in the room."""

        async def gone() -> bool | None:
            return None if self._room.remote_participants else True

        await until(gone, PATIENCE_S, "the agent is still there")


@asynccontextmanager
async def calling(place: Surroundings, name: str) -> AsyncIterator[WritingCaller]:
    """A caller who was greeted; leaves at the end."""
    keep_direct(place.livekit.url)
    room, captions = rtc.Room(), Captions()
    captions.attach(room)
    await room.connect(place.livekit.url, place.invite(name))
    try:
        caller = WritingCaller(room, captions)
        await caller.hear()
        yield caller
    finally:
        async with asyncio.timeout(5.0):
            await room.disconnect()
        await captions.aclose()
