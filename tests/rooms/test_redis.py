"""Several livekit-servers share their rooms through Redis: one of them dies, or Redis itself is restarted.

`docs/reference/outages.md` says what callers and operators see of it.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from livekit import api

from standins.caller import Caller
from standins.openai.replies import GREETING
from tests.parts import redis_server
from tests.parts.livekit_server import LiveKitServer, running
from tests.parts.redis_server import RedisServer
from tests.parts.standins import standin
from tests.rooms.conversation import new_room
from tests.rooms.deployment import START_S, worker
from tests.rooms.struck import BACK, BACK_WITHIN_S, FACT, QUESTION, accepted, ask, kill_node, struck
from tests.rooms.surroundings import Stored, Surroundings, until
from tests.rooms.wire import Wire
from worker.session.closing.ending import SHUT_DOWN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.needs("livekit-server", "redis-server", "flite"),
]

OWN = {"VERBATIM_AGENT__SILENCE_PROMPT": "0", "VERBATIM_FLEET__WATCH": "true"}
"""On a slow machine a caller who waits is not asked whether they are there."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server.running(tmp_path / "redis") as redis:
        yield redis


@pytest.fixture
def node(tmp_path: Path, redis: RedisServer) -> Iterator[Callable[[str], LiveKitServer]]:
    """Starts a livekit-server of that name, which shares its rooms with the others."""
    nodes: list[LiveKitServer] = []

    with contextlib.ExitStack() as stack:

        def start(name: str) -> LiveKitServer:
            (tmp_path / name).mkdir()
            secret = nodes[0].api_secret if nodes else None
            nodes.append(stack.enter_context(running(tmp_path / name, 20, redis=redis.address, api_secret=secret)))
            return nodes[-1]

        yield start


@pytest.fixture
def place(tmp_path: Path, node: Callable[[str], LiveKitServer]) -> Iterator[Surroundings]:
    with (
        standin("assemblyai", ["--engine", "light"], tmp_path / "assemblyai.log") as assemblyai,
        standin("openai", [], tmp_path / "openai.log") as openai,
    ):
        yield Surroundings(node("first"), assemblyai, openai, tmp_path)


@pytest.fixture
async def balanced(place: Surroundings) -> AsyncIterator[tuple[Surroundings, Wire]]:
    """The same place behind one address, as a load balancer makes it."""
    wire = Wire(_port(place.livekit))
    await wire.join()
    try:
        yield replace(place, livekit=replace(place.livekit, url=f"ws://127.0.0.1:{wire.port}")), wire
    finally:
        await wire.cut()


def _port(livekit: LiveKitServer) -> int:
    return urlsplit(livekit.url).port or 0


def check(stored: Stored, known: list[bytes]) -> None:
    """One transcript of two parts, without a hole in what had been accepted."""
    first, second = stored.transcript.parts
    assert (first.part, second.part, second.resumed_from) == (1, 2, first.job)
    assert stored.texts("user") == [FACT, QUESTION]
    assert stored.texts("agent").count(GREETING) == 1 and stored.texts("agent").count(BACK) == 1
    assert not stored.transcript.complete
    kept = {event["h"] for event in stored.journal}
    assert [line for line in known if json.loads(line)["h"] not in kept] == []


@pytest.mark.parametrize("takes_its_worker", [False, True], ids=["its worker lives on", "its worker dies with it"])
async def test_a_caller_of_a_node_that_dies_goes_on_through_another_node(
    takes_its_worker: bool,
    balanced: tuple[Surroundings, Wire],
    node: Callable[[str], LiveKitServer],
    record_property: Callable[[str, object], None],
) -> None:
    place, wire = balanced
    known: list[bytes] = []
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(worker(place, "one", **OWN))
        await asyncio.to_thread(one.wait_until_ready, START_S)

        async def strike(caller: Caller) -> None:
            # Only now, so that it is known which node has the room.
            wire.also_to(_port(await asyncio.to_thread(node, "second")))
            known.extend(accepted(place.journals))
            if takes_its_worker:
                await asyncio.to_thread(kill_node, one.pid)
            os.kill(place.livekit.pid, signal.SIGKILL)
            if takes_its_worker:
                room = caller.room.name
                await until(lambda: _promised_in_vain(place, room), BACK_WITHIN_S, "the caller did not come back")
                await asyncio.to_thread(stack.enter_context, worker(place, "two", **OWN))

        call = await struck(place, strike)
        stored = await place.stored(call.room)
    assert (call.back, call.remembered) == (BACK, True)
    check(stored, known)
    record_property("silence_s", round(call.silence_s, 1))
    record_property("parts", [(part.ended.reason, part.ended.detail) for part in stored.transcript.parts])


async def _promised_in_vain(place: Surroundings, room: str) -> bool | None:
    """Whether the room is on a node again, where no worker took its caller."""
    with contextlib.suppress(api.TwirpError, aiohttp.ClientError):
        async with place.api() as server:
            dispatches = await server.agent_dispatch.list_dispatch(room)
            return True if dispatches and not any(each.state.jobs for each in dispatches) else None
    return None


@pytest.mark.parametrize(
    "keeps", [pytest.param(True, id="with what it held"), pytest.param(False, marks=pytest.mark.soak, id="empty")]
)
async def test_a_restart_of_redis_costs_a_call_that_moment_and_the_next_one_is_served(
    keeps: bool, place: Surroundings, redis: RedisServer, record_property: Callable[[str, object], None]
) -> None:
    known: list[bytes] = []
    with worker(place, "steady", **OWN) as steady:
        await asyncio.to_thread(steady.wait_until_ready, START_S)

        async def notices() -> bool | None:
            return True if "restarting connection" in steady.log and "can be helped now" in steady.log else None

        async def strike(_: Caller) -> None:
            known.extend(accepted(place.journals))
            redis.stop(keeps=keeps)
            # An outage of a few seconds nobody notices.
            await until(notices, BACK_WITHIN_S, "nobody has noticed that Redis is gone")
            await asyncio.to_thread(redis.start)

        call = await struck(place, strike)
        assert "LiveKit answers again" in steady.log
        stored = await place.stored(call.room)
        next_one = new_room("after")
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(next_one))
            assert await ask(caller) == GREETING
    assert (call.back, call.remembered) == (BACK, True)
    check(stored, known)
    assert stored.transcript.parts[0].ended.detail == SHUT_DOWN.detail
    record_property("silence_s", round(call.silence_s, 1))
