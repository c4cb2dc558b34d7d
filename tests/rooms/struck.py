"""Calls whose agents are struck down in the middle: what callers tell them, and what is left of that afterwards."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from config.spoken_lines import LINES
from standins.caller import Caller
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings, until

FACTS = ("My name is Ada Lovelace.", "My name is Grace Hopper.", "My name is Alan Turing.")
"""What callers tell of themselves, each another one: no agent may take one for another."""
FACT = FACTS[0]
QUESTION = "I forgot my password."
BACK = LINES["en"]["resumption"]

ANSWERED_WITHIN_S = 150.0
BACK_WITHIN_S = 200.0
"""How long a caller waits on a machine of any speed; how long they should have to is measured, not asserted."""


PATIENT = {"VERBATIM_AGENT__SILENCE_PROMPT": "0"}
"""Settings of a worker on a machine of any speed: a caller who waits is not asked whether they are there."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of a call.

    Attributes:
        room: its name.
        silence_s: from the strike to the first sound of the next agent.
        back: what that agent said first.
        chat: the requests that the LLM got after the strike, those of other calls too.
        fact: what the caller had told of themselves.
        accepted: the lines of the call's journals on this machine when it was struck.
    """

    room: str
    silence_s: float
    back: str
    chat: list[dict[str, Any]]
    fact: str
    accepted: list[bytes]

    @property
    def remembered(self) -> bool:
        """Whether the LLM was told of the caller's fact, and of no other's, when they asked something else."""
        told = [[message.get("content") for message in request["messages"]] for request in self.chat]
        return any(
            contents[-1] == QUESTION and [each for each in contents if each in FACTS] == [self.fact]
            for contents in told
        )


async def struck(
    place: Surroundings, strike: Callable[[Caller], Awaitable[object]], *, agent: str = "verbatim", what: str = "struck"
) -> Struck:
    """Holds a call: a fact is told, the agent struck down, another question asked of the next one, and hung up.

    Args:
        place: where.
        strike: does it, once the fact was answered.
        agent: its name.
        what: first part of the room's name.
    """
    (call,) = await struck_at_once(place, 1, lambda callers: strike(callers[0]), agent=agent, what=what)
    return call


async def struck_at_once(
    place: Surroundings,
    count: int,
    strike: Callable[[Sequence[Caller]], Awaitable[object]],
    *,
    agent: str = "verbatim",
    what: str = "struck",
) -> list[Struck]:
    """Holds so many calls beside each other, at most as many as there are facts; one strike hits them all.

    Args:
        place: where.
        count: how many.
        strike: does it, once all facts were answered.
        agent: its name.
        what: first part of the rooms' names.
    """
    async with contextlib.AsyncExitStack() as hung_up:
        lines = [
            _Line(place, await hung_up.enter_async_context(Caller()), new_room(what), fact) for fact in FACTS[:count]
        ]
        async with asyncio.TaskGroup() as telling:
            for line in lines:
                telling.create_task(line.tell(agent))
        asked = len(place.openai.log()["chat"])
        known = [accepted(place.journals, await line.caller.room.sid) for line in lines]
        began = time.monotonic()
        await strike([line.caller for line in lines])
        async with asyncio.TaskGroup() as going_on:
            heard = [going_on.create_task(line.go_on()) for line in lines]
        chat = place.openai.log()["chat"][asked:]
    return [
        Struck(line.room, each.result().at - began, each.result().text, chat, line.fact, lines_known)
        for line, each, lines_known in zip(lines, heard, known, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Heard:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class _Line:
    """One caller's part in it."""

    place: Surroundings
    caller: Caller
    room: str
    fact: str

    async def tell(self, agent: str) -> None:
        """Joins, and tells the agent that comes the fact."""
        await self.caller.join(self.place.livekit.url, self.place.invite(self.room, agent=agent))
        await self.caller.wait_for_agent(ANSWERED_WITHIN_S)
        await ask(self.caller)
        await ask(self.caller, self.fact)

    async def go_on(self) -> _Heard:
        """Waits for the next agent and asks it something else; returns what it said first."""
        back = await self.caller.listen(BACK_WITHIN_S)
        said = await heard_out(self.caller)
        await ask(self.caller, QUESTION)
        return _Heard(back.started_at, said)


async def ask(caller: Caller, text: str = "") -> str:
    """Writes `text`, if there is any, and returns all that the agent says next."""
    if text:
        await caller.send_text(text)
    await caller.listen(ANSWERED_WITHIN_S)
    return await heard_out(caller)


async def heard_out(caller: Caller) -> str:
    """Waits until what the agent says is over, which a busy machine makes pauses in; returns it."""

    async def over() -> str | None:
        said = [each for each in caller.captions if each.speaker in caller.agents]
        return said[-1].text.strip() if said and said[-1].is_final else None

    return await until(over, ANSWERED_WITHIN_S, "the agent did not end what it said")


async def kill_job(caller: Caller, worker: int) -> None:
    """Kills the process that holds the call of `caller`, at once."""
    (await job_of(caller, worker)).send_signal(signal.SIGKILL)


def kill_node(worker: int) -> None:
    """Kills a worker and all its processes in the same moment, as the loss of its node does."""
    main = psutil.Process(worker)
    tree = [*main.children(recursive=True), main]
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


async def job_of(caller: Caller, worker: int) -> psutil.Process:
    """Returns the process below `worker` that has the journal of the caller's room open."""
    sid = await caller.room.sid

    async def look() -> psutil.Process | None:
        for process in psutil.Process(worker).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any(f"{os.sep}{sid}-" in file.path for file in process.open_files()):
                    return process
        return None

    return await until(look, 10.0, f"no process of the worker has a journal of room {sid} open")


def accepted(journals: Path, sid: str = "") -> list[bytes]:
    """Returns every whole line of the journals in a directory, or of those that belong to one room session."""
    return [
        line
        for journal in sorted(journals.glob(f"{sid}*/*.jsonl"))
        for line in journal.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]
