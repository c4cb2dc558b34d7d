"""The way to the LiveKit server is cut, or the server itself is restarted, in the middle of a call.

`docs/reference/outages.md` says what callers and operators see of it.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from bootstrap import livekit_server as program
from config.spoken_lines import LINES
from tests.parts.availability import PROJECT
from tests.rooms.conversation import new_room
from tests.rooms.deployment import START_S, worker
from tests.rooms.patient_caller import QUESTION
from tests.rooms.surroundings import Surroundings, until
from tests.rooms.wire import Wire
from tests.rooms.worker_process import WorkerProcess
from tests.rooms.writing_caller import calling

pytestmark = [pytest.mark.slow, pytest.mark.needs("livekit-server")]

BACK_WITHIN_S = 90.0


@asynccontextmanager
async def wired(place: Surroundings) -> AsyncIterator[tuple[Surroundings, Wire]]:
    """The same place as a worker sees it that is behind a wire."""
    wire = Wire(urlsplit(place.livekit.url).port or 0)
    await wire.join()
    try:
        yield replace(place, livekit=replace(place.livekit, url=f"ws://127.0.0.1:{wire.port}")), wire
    finally:
        await wire.cut()


async def is_ready(worker: WorkerProcess, ready: bool) -> None:
    async def look() -> bool | None:
        return True if worker._is_ready() is ready else None

    await until(look, BACK_WITHIN_S, f"the worker did not become {'ready' if ready else 'unready'}")


@pytest.mark.timeout(300)
async def test_a_cut_of_five_seconds_costs_the_call_nothing(place: Surroundings) -> None:
    room = new_room("cut-5")
    async with wired(place) as (behind, wire):
        with worker(behind, "wired") as wired_worker:
            await asyncio.to_thread(wired_worker.wait_until_ready, START_S)
            async with calling(place, room) as caller:
                await caller.ask()
                before = caller.agents
                await wire.cut()
                await is_ready(wired_worker, ready=False)
                await asyncio.sleep(5.0)
                await wire.join()
                await caller.agent_other_than(before)
                await is_ready(wired_worker, ready=True)
                await caller.ask()
            stored = await place.stored(room)
    assert stored.texts("user") == [QUESTION, QUESTION]
    assert [part.ended.reason for part in stored.transcript.parts] == ["caller_left"]


@pytest.mark.soak
@pytest.mark.timeout(400)
async def test_a_cut_of_a_minute_costs_the_caller_that_minute_and_the_transcript_nothing(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    room = new_room("cut-60")
    async with wired(place) as (behind, wire):
        with worker(behind, "wired", VERBATIM_FLEET__WATCH="true") as wired_worker:
            await asyncio.to_thread(wired_worker.wait_until_ready, START_S)
            async with calling(place, room) as caller:
                await caller.ask()
                before = caller.agents
                await wire.cut()
                await asyncio.sleep(60.0)
                await wire.join()
                joined = time.monotonic()
                await caller.agent_other_than(before, BACK_WITHIN_S)
                record_property("agent_back_after_s", round(time.monotonic() - joined, 1))
                await caller.ask()
            stored = await place.stored(room, BACK_WITHIN_S)
    assert stored.texts("user") == [QUESTION, QUESTION]
    # The question that was typed at once interrupts it.
    said = [turn.text + turn.unplayed_text for turn in stored.transcript.turns if turn.role == "agent"]
    assert LINES["en"]["resumption"] in said
    assert not stored.transcript.complete
    record_property("parts", [(part.ended.reason, part.ended.detail) for part in stored.transcript.parts])


@pytest.mark.timeout(400)
async def test_a_server_that_is_restarted_costs_the_call_that_moment_and_the_next_one_is_served(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    rooms = [new_room("restart"), new_room("after")]
    server = None
    try:
        with worker(place, "steady", VERBATIM_FLEET__WATCH="true") as steady:
            await asyncio.to_thread(steady.wait_until_ready, START_S)
            async with calling(place, rooms[0]) as caller:
                await caller.ask()
                before = caller.agents
                server = restart(place)
                await is_ready(steady, ready=False)
                await is_ready(steady, ready=True)
                await caller.agent_other_than(before)
                await caller.ask()
            async with calling(place, rooms[1]) as caller:
                await caller.ask()
            first = await place.stored(rooms[0], BACK_WITHIN_S)
            await place.stored(rooms[1])
    finally:
        if server is not None:
            server.kill()
            server.wait()
    assert first.texts("user") == [QUESTION, QUESTION]
    record_property("parts", [(part.ended.reason, part.ended.detail) for part in first.transcript.parts])


def restart(place: Surroundings) -> subprocess.Popen[bytes]:
    """Kills the server, and starts it again as it was; whoever calls this ends it."""
    livekit = place.livekit
    os.kill(livekit.pid, signal.SIGKILL)
    binary = program.find(PROJECT)
    assert binary is not None
    return subprocess.Popen(
        [binary, "--config", livekit.log.with_name("livekit.yaml")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"LIVEKIT_KEYS": f"{livekit.api_key}: {livekit.api_secret}"},
    )  # fmt: skip
