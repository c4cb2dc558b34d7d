"""The public port tells whether the worker lives, whether it takes calls, and why not."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from worker.errors import Failed
from worker.fleet.health import HealthServer, readiness
from worker.storage.journal.spool import Spool

WAITING = Spool(journals=2, size=3_000_000, oldest_s=70.4, max_size=1_000_000_000)


@dataclass
class State:
    connected: bool = True
    draining: bool = False
    trouble: str | None = None
    store_trouble: str | None = None
    spool: Spool = WAITING
    sessions: int = 0
    max_sessions: int = 2

    @property
    def crowded(self) -> str | None:
        return "full" if self.sessions >= self.max_sessions else None

    @property
    def admission(self) -> dict[str, object]:
        return {"load": 0.35}


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
async def server(state: State) -> AsyncIterator[HealthServer]:
    server = HealthServer("reception", state)
    await server.start("127.0.0.1", 0)
    yield server
    await server.close()


async def get(server: HealthServer, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        body = await answer.json() if answer.content_type == "application/json" else await answer.text()
        return answer.status, body


async def test_who_retreats_frees_the_port_and_serves_on_another_of_this_machine(server: HealthServer) -> None:
    public = server.port
    await server.retreat()
    assert server.port not in (public, 0)
    assert await get(server, "/livez") == (200, "OK")
    successor = HealthServer("reception", State())
    await successor.start("127.0.0.1", public, patience_s=0.0)
    await successor.close()


async def test_a_port_is_waited_for_that_is_freed_soon(server: HealthServer) -> None:
    successor = HealthServer("reception", State())
    starting = asyncio.create_task(successor.start("127.0.0.1", server.port))
    await asyncio.sleep(0)
    await server.retreat()
    async with asyncio.timeout(5):
        await starting
    await successor.close()


@pytest.mark.parametrize("path", ["/", "/livez"])
async def test_a_process_that_runs_is_alive_whatever_its_state(server: HealthServer, state: State, path: str) -> None:
    state.connected, state.draining = False, True
    assert await get(server, path) == (200, "OK")


async def test_a_worker_that_takes_calls_is_ready(server: HealthServer) -> None:
    assert await get(server, "/readyz") == (200, {"ready": True, "full": False, "reasons": []})


async def test_a_full_worker_is_healthy(server: HealthServer, state: State) -> None:
    state.sessions = 2
    assert await get(server, "/readyz") == (200, {"ready": True, "full": True, "reasons": []})


async def test_a_worker_that_takes_no_calls_gives_its_reasons(server: HealthServer, state: State) -> None:
    state.connected = False
    assert await get(server, "/readyz") == (
        503,
        {"ready": False, "full": False, "reasons": ["disconnected from LiveKit"]},
    )
    state.draining = True
    status, body = await get(server, "/readyz")
    assert (status, body["reasons"]) == (503, ["disconnected from LiveKit", "draining"])
    state.trouble = "the journals' disk is full"
    status, body = await get(server, "/readyz")
    assert (status, body["reasons"][-1]) == (503, "the journals' disk is full")


async def test_sessions_versions_and_what_is_not_stored_yet_are_told(server: HealthServer, state: State) -> None:
    state.sessions = 1
    state.store_trouble = "s3://calls cannot be written to"
    status, body = await get(server, "/worker")
    assert status == 200
    assert set(body.pop("versions")) == {"verbatim", "livekit-agents"}
    assert body.pop("spool") == {
        "journals": 2,
        "bytes": 3_000_000,
        "max_bytes": 1_000_000_000,
        "oldest_seconds": 70,
        "store_trouble": "s3://calls cannot be written to",
    }
    assert body == {
        "agent": "reception",
        "sessions": 1,
        "max_sessions": 2,
        "draining": False,
        "crowded": None,
        "admission": {"load": 0.35},
    }


async def test_a_store_that_is_away_keeps_a_worker_ready(server: HealthServer, state: State) -> None:
    state.store_trouble = "s3://calls cannot be written to"
    assert (await get(server, "/readyz"))[0] == 200


async def test_metrics_are_told_in_the_form_that_is_asked_for(state: State) -> None:
    async def metrics(accept: str) -> tuple[bytes, str]:
        return f"told for {accept}".encode(), "text/plain; version=1.0.0; charset=utf-8"

    server = HealthServer("reception", state, metrics)
    await server.start("127.0.0.1", 0)
    try:
        asked = {"Accept": "text/plain"}
        url = f"http://127.0.0.1:{server.port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url, headers=asked) as answer:
            assert (answer.status, await answer.text()) == (200, "told for text/plain")
            assert answer.headers["Content-Type"] == "text/plain; version=1.0.0; charset=utf-8"
    finally:
        await server.close()


async def test_other_paths_are_not_found(server: HealthServer) -> None:
    assert (await get(server, "/settings"))[0] == 404


async def test_a_port_that_is_taken_is_refused_with_one_sentence(state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(Failed) as caught:
            await HealthServer("reception", state).start("127.0.0.1", port, patience_s=0.3)
    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 cannot be used for health (Address already in use); "
        "stop what holds it, or set fleet.health_port to another."
    )
    assert caught.value.status == 1


async def test_a_host_that_does_not_exist_is_refused_with_one_sentence(state: State) -> None:
    with pytest.raises(Failed, match=r"Port 0 on no\.such\.host\.invalid cannot be used for health"):
        await HealthServer("reception", state).start("no.such.host.invalid", 0)


async def test_the_port_is_free_again_after_closing(state: State) -> None:
    first, second = HealthServer("reception", state), HealthServer("reception", state)
    await first.start("127.0.0.1", 0)
    port = first.port
    await first.close()
    await second.start("127.0.0.1", port)
    assert second.port == port
    await second.close()


def test_it_is_ready_exactly_when_connected_and_not_draining_and_journals_can_be_written() -> None:
    for connected, draining, trouble, sessions in itertools.product(
        (False, True), (False, True), (None, "no journals"), (0, 2, 3)
    ):
        found = readiness(State(connected, draining, trouble, sessions=sessions))
        assert found.ready == (connected and not draining and not trouble)
        assert found.full == (sessions >= 2)
        assert bool(found.reasons) != found.ready
