"""A call whose agent is struck down in the middle: what the caller tells it, and what is left of that afterwards."""

import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from config.spoken_lines import LINES
from standins.caller import Caller
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings, until

FACT = "My name is Ada Lovelace."
QUESTION = "I forgot my password."
BACK = LINES["en"]["resumption"]

ANSWERED_WITHIN_S = 150.0
BACK_WITHIN_S = 200.0
"""How long a caller waits on a machine of any speed; how long they should have to is measured, not asserted."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of a call.

    Attributes:
        room: its name.
        silence_s: from the strike to the first sound of the next agent.
        back: what that agent said first.
        chat: the requests that the LLM got after the strike.
    """

    room: str
    silence_s: float
    back: str
    chat: list[dict[str, Any]]

    @property
    def remembered(self) -> bool:
        """Whether the LLM was told of the fact when the caller asked something else."""
        last = self.chat[-1]["messages"]
        return last[-1]["content"] == QUESTION and any(each.get("content") == FACT for each in last)


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
    room = new_room(what)
    async with Caller() as caller:
        await caller.join(place.livekit.url, place.invite(room, agent=agent))
        await caller.wait_for_agent(ANSWERED_WITHIN_S)
        await ask(caller)
        await ask(caller, FACT)
        asked = len(place.openai.log()["chat"])
        began = time.monotonic()
        await strike(caller)
        back = await caller.listen(BACK_WITHIN_S)
        said = await heard_out(caller)
        await ask(caller, QUESTION)
        chat = place.openai.log()["chat"][asked:]
    return Struck(room, back.started_at - began, said, chat)


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


def accepted(journals: Path) -> list[bytes]:
    """Returns every whole line of the journals in a directory."""
    return [
        line
        for journal in sorted(journals.glob("*/*.jsonl"))
        for line in journal.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]
