"""A deployment of one test alone, whose workers come and go; and a deploy: one worker goes on with another's calls."""

import asyncio
import contextlib
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from standins.caller import Caller
from tests.parts.livekit_server import running
from tests.parts.standins import standin
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings
from tests.rooms.worker_process import WorkerProcess, working

_WORDS = ["alfa", "bravo", "delta", "golf", "hotel", "india", "kilo", "lima", "mike", "oscar", "papa", "romeo"]
SENTENCES = [f"I forgot my password, {one} {other}." for one, other in itertools.permutations(_WORDS, 2)]
"""What callers say, each sentence once: the recogniser gives them out in this order, to whoever speaks."""

ANSWERS_AFTER = 2
"""How many answers of the new agent each caller waits for."""
PATIENCE_S = 240.0
WATCHER_ENDED_WITHIN_S = 20.0
START_S = 200.0
"""How long a worker may take to start beside others that start."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """One caller's way through a deploy.

    Attributes:
        room: Where.
        said: How many sentences.
        agents: Who was heard, in the order of their coming.
        silence_s: The longest wait for an answer, from the moment on in which the worker was told to stop.
        overlapping: How often two agents were heard at once.
    """

    room: str
    said: int
    agents: Sequence[str]
    silence_s: float
    overlapping: int


@contextlib.contextmanager
def place(directory: Path) -> Iterator[Surroundings]:
    """A livekit-server of its own, so that no other worker takes these calls over, and stand-ins."""
    with (
        running(directory, departure_timeout_s=20) as livekit,
        standin("assemblyai", ["--engine", "light"], directory / "assemblyai.log") as assemblyai,
        standin("openai", [], directory / "openai.log") as openai,
    ):
        assemblyai.call("POST", "/control/script", {"texts": SENTENCES, "scope": "all"})
        yield Surroundings(livekit, assemblyai, openai, directory)


@contextlib.contextmanager
def worker(place: Surroundings, name: str, **settings: str) -> Iterator[WorkerProcess]:
    """A worker for `verbatim`; its journals are where those of the others on this machine are."""
    with working(place, name, {"VERBATIM_AGENT__NAME": "verbatim"} | settings, wait=False) as started:
        yield started


async def started(
    stack: contextlib.ExitStack, place: Surroundings, name: str, *, wait: bool = True, **settings: str
) -> WorkerProcess:
    """Starts a worker that runs until the stack is closed; waits until it is ready, unless told otherwise."""
    begun = stack.enter_context(worker(place, name, **settings))
    if wait:
        await asyncio.to_thread(begun.wait_until_ready, START_S)
    return begun


@contextlib.contextmanager
def watcher(place: Surroundings) -> Iterator[Callable[[], list[dict[str, object]]]]:
    """Runs `verbatim watch` as a process of its own; yields what tells all that it has done so far."""
    told = place.directory / "watch.jsonl"
    with told.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", "watch", "--json"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
            env=place.environment(0, {}), cwd=place.directory,
        )  # fmt: skip
    try:
        yield lambda: [json.loads(line) for line in told.read_text().splitlines()]
        process.terminate()
        assert process.wait(WATCHER_ENDED_WITHIN_S) == 0
    finally:
        process.kill()
        process.wait()


async def deploy(
    place: Surroundings,
    calls: int,
    drain_s: float,
    start: Callable[..., contextlib.AbstractContextManager[WorkerProcess]] = worker,
) -> tuple[list[Survivor], int]:
    """Hold so many calls, stop their worker while another one runs.

    Args:
        place: Where.
        calls: How many.
        drain_s: How long calls may go on by themselves once their worker is told to stop.
        start: Starts a worker as `worker` does.

    Returns:
        What became of the calls, and the exit status of their worker.
    """
    stopped = asyncio.Event()
    room_for_all = {"VERBATIM_FLEET__MAX_SESSIONS": str(calls), "VERBATIM_FLEET__IDLE_PROCESSES": str(min(calls, 3))}
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(start(place, "old", VERBATIM_FLEET__DRAIN_TIMEOUT=str(drain_s), **room_for_all))
        await asyncio.to_thread(old.wait_until_ready, START_S)
        talks = [asyncio.create_task(_talk(place, number, stopped)) for number in range(calls)]
        new = stack.enter_context(start(place, "new", **room_for_all))
        await asyncio.to_thread(new.wait_until_ready, START_S)
        old.signal(signal.SIGTERM)
        stopped.set()
        survivors = await asyncio.gather(*talks)
        return survivors, await asyncio.to_thread(old.wait, PATIENCE_S)


async def _talk(place: Surroundings, number: int, stopped: asyncio.Event) -> Survivor:
    room, said, silence = new_room(f"deploy-{number}"), 0, 0.0
    await asyncio.sleep(number)  # people do not all call in the same moment
    async with asyncio.timeout(PATIENCE_S), Caller() as caller:
        await caller.join(place.livekit.url, place.invite(room))
        first = await caller.wait_for_agent()
        await caller.listen()
        after = 0
        while after < ANSWERS_AFTER:
            await caller.speak(SENTENCES[0])
            said += 1
            answer = await caller.listen()
            others = [name for name in caller.speeches if name != first]
            after += any(began >= answer.started_at for name in others for began, _ in caller.speeches[name])
            if stopped.is_set():
                silence = max(silence, answer.answer_ms / 1000)
        return Survivor(room, said, caller.agents, silence, _overlapping(caller))


def _overlapping(caller: Caller) -> int:
    return sum(
        mine[0] < theirs[1] and theirs[0] < mine[1]
        for one, other in itertools.combinations(caller.speeches.values(), 2)
        for mine in one
        for theirs in other
    )
