"""A caller who writes: waits for the agent's greeting, asks one question, and leaves with the answer.

Says and hears nothing itself, so that one process holds many. An agent's captions go at
the pace at which it is heard.
"""

import asyncio
import time
from dataclasses import dataclass

from livekit import rtc

from standins.caller.captions import Caption, Captions
from standins.caller.loopback import keep_direct
from tests.rooms.surroundings import until

TOPIC = "lk.chat"
QUESTION = "I forgot my password."


@dataclass(frozen=True, slots=True)
class Served:
    """One call: how long the caller waited, in seconds, and what the agent said in captions."""

    room: str
    greeted_after_s: float
    answered_after_s: float
    greeting: str
    answer: str


async def call(url: str, token: str, room: str, patience_s: float) -> Served:
    """Joins, and leaves with an answer.

    Raises:
        TimeoutError: there was no greeting, or no answer, in that time.
    """
    keep_direct(url)
    caller, captions = rtc.Room(), Captions()
    captions.attach(caller)
    joined = time.monotonic()
    await caller.connect(url, token)  # and subscribes: an agent does not speak to nobody
    try:
        greeting = await _spoken(captions, 0, patience_s, f"nobody greeted the caller in {room}")
        greeted = time.monotonic()
        await caller.local_participant.send_text(QUESTION, topic=TOPIC)
        answer = await _spoken(captions, 1, patience_s, f"nobody answered the caller in {room}")
        return Served(room, greeted - joined, time.monotonic() - greeted, greeting.text, answer.text)
    finally:
        async with asyncio.timeout(5.0):
            await caller.disconnect()
        await captions.aclose()


async def _spoken(captions: Captions, number: int, patience_s: float, missed: str) -> Caption:
    """What the agent says in its turn of that number, when it has said it."""

    async def finished() -> Caption | None:
        said = [each for each in captions.all() if each.speaker.startswith("agent-")]
        return said[number] if len(said) > number and said[number].is_final else None

    return await until(finished, patience_s, missed)
