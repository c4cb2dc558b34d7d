"""A whole call, held and then looked at: what the caller did and heard, what the stand-ins saw, what was stored."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from standins.caller import Answer, Caller, Interruption, Spoken
from standins.caller.captions import Caption
from tests.rooms.surroundings import Stored, Surroundings

PLACED_WITHIN_MS = 1000
"""How far a word may lie from where it was spoken: the way through the room takes its time on a busy machine."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        spoken: The caller's sentences.
        answers: What was heard of the agent, the greeting first.
        interruptions: Where the caller talked over it.
        captions: What the agent published as text.
        heard: All that the caller's end recorded of the agent: 16-bit samples at 16 kHz.
        stt: The sessions of the AssemblyAI stand-in that belong to the call.
        chat: The LLM requests since the call began.
        speech: The TTS requests since the call began.
        wall_clock: What to add to a moment of the monotonic clock to get Unix seconds.
    """

    stored: Stored
    spoken: list[Spoken]
    answers: list[Answer]
    interruptions: list[Interruption]
    captions: list[Caption]
    heard: bytes
    stt: list[dict[str, Any]]
    chat: list[dict[str, Any]]
    speech: list[dict[str, Any]]
    wall_clock: float

    def transcript_ms(self, moment: float) -> float:
        """A moment of the monotonic clock in the transcript's own milliseconds."""
        began = datetime.fromisoformat(self.stored.transcript.started_at).timestamp()
        return (moment + self.wall_clock - began) * 1000


class Line:
    """The caller's end of a call that is going on; notes what is said and heard."""

    def __init__(self, caller: Caller, room: str) -> None:
        self.caller = caller
        self.room = room
        self.spoken: list[Spoken] = []
        self.answers: list[Answer] = []
        self.interruptions: list[Interruption] = []

    async def ask(self, text: str) -> Answer:
        """Says `text` and listens to the answer."""
        self.spoken.append(await self.caller.speak(text))
        return await self.listen()

    async def listen(self) -> Answer:
        """Listens to the agent until it is quiet."""
        self.answers.append(await self.caller.listen())
        return self.answers[-1]

    async def barge_in(self, text: str, after_ms: float) -> Interruption:
        """Talks over the agent."""
        cut = await self.caller.barge_in(text, after_ms)
        self.interruptions.append(cut)
        self.spoken.append(cut.spoken)
        return cut


def new_room(what: str) -> str:
    """The name of a room that nobody has used."""
    return f"{what}-{uuid4().hex[:8]}"


async def hold(
    surroundings: Surroundings,
    talk: Callable[[Line], Awaitable[object]],
    *,
    agent: str = "verbatim",
    what: str = "call",
    voice: str = "slt",
) -> Call:
    """Lets a caller join a new room, talk and hang up; returns when the transcript is stored.

    Args:
        surroundings: Where the call takes place.
        talk: What the caller does once an agent can be heard.
        agent: The agent that the caller's token dispatches.
        what: The first part of the room's name.
        voice: The caller's.
    """
    room = new_room(what)
    before = surroundings.openai.log()
    async with Caller(voice=voice) as caller:
        await caller.join(surroundings.livekit.url, surroundings.invite(room, agent=agent))
        await caller.wait_for_agent()
        line = Line(caller, room)
        await talk(line)
    stored = await surroundings.stored(room)
    after = surroundings.openai.log()
    return Call(
        stored=stored,
        spoken=line.spoken,
        answers=line.answers,
        interruptions=line.interruptions,
        captions=caller.captions,
        heard=b"".join(caller.recordings.values()),
        stt=sessions_of(surroundings, stored),
        chat=after["chat"][len(before["chat"]) :],
        speech=after["speech"][len(before["speech"]) :],
        wall_clock=time.time() - time.monotonic(),
    )


def sessions_of(surroundings: Surroundings, stored: Stored) -> list[dict[str, Any]]:
    """The sessions of the AssemblyAI stand-in that the transcript names, as the stand-in tells of them."""
    named = {session.session for part in stored.transcript.parts for session in part.stt_sessions}
    return [session for session in surroundings.assemblyai.log()["sessions"] if session["id"] in named]
