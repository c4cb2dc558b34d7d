"""An operator's agent, as a file of theirs, that harms its own process when its caller says so.

It is told over the room's data channel, and answers there before it does it. In a room whose name begins with
`entry-` it does not even come to be.
"""

import asyncio
import os
import sys
import time

from livekit import rtc
from livekit.agents import Agent, get_job_context

TOPIC = "harm"
ENTRY = "entry-"
HOARD_BYTES = 700 * 1024 * 1024


class Fragile(Agent):
    """Answers like any other, until it is told to break."""

    def __init__(self) -> None:
        # The worker makes one at its start too, to see whether it can: there is no job then.
        job = get_job_context(required=False)
        if job is not None and job.job.room.name.startswith(ENTRY):
            sys.exit(3)
        super().__init__(instructions="You are called by people who test you.")
        self._hoard = b""
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._breaking: asyncio.Task[None] | None = None

    async def on_enter(self) -> None:
        """Greets, and listens for what to do."""
        get_job_context().room.on("data_received", self._received)
        self._breaking = asyncio.create_task(self._break())
        self.session.generate_reply(instructions="Greet the user.")

    def _received(self, packet: rtc.DataPacket) -> None:
        if packet.topic == TOPIC:
            self._told.put_nowait(packet.data.decode())

    async def _break(self) -> None:
        told = await self._told.get()
        await get_job_context().room.local_participant.publish_data(told, topic=TOPIC)
        match told:
            case "exit at once":
                os._exit(5)
            case "exit":
                sys.exit(4)
            case "block":
                time.sleep(3600)  # noqa: ASYNC251 - that is the harm
            case "hoard":
                self._hoard = b"x" * HOARD_BYTES
