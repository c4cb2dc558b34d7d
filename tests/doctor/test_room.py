"""A throw-away room at a real server: an agent comes, or the sentence says which rule keeps it away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from livekit import api, rtc

from config import Settings
from tests.parts.livekit_server import LiveKitServer, free_ports
from tests.speech.memory_recorder import PATIENCE_S
from worker.doctor import room
from worker.doctor.findings import Finding, Verdict
from worker.doctor.room import check_room
from worker.livekit_api import livekit_api


def settings(server: LiveKitServer, port: int = 1, **agent: Any) -> Settings:
    livekit = {"url": server.url, "api_key": server.api_key, "api_secret": server.api_secret}
    fleet = {"health_host": "127.0.0.1", "health_port": port, "rejoin_grace": 1}
    return Settings.model_validate({"livekit": livekit, "fleet": fleet, "agent": agent})


async def rooms(chosen: Settings) -> list[str]:
    async with livekit_api(chosen) as client:
        listed = await client.room.list_rooms(api.ListRoomsRequest())
    return [each.name for each in listed.rooms if each.name.startswith("doctor-")]


@asynccontextmanager
async def worker(**told: Any) -> AsyncIterator[int]:
    """What a worker on this machine says on its health port; yields that."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"agent": "verbatim", "reasons": [], "crowded": None} | told)

    app = web.Application()
    app.router.add_get("/worker", answer)
    app.router.add_get("/readyz", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def without_an_agent(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> Finding:
    monkeypatch.setattr(room, "AGENT_SECONDS", 0.3)
    media, turn, agent = await check_room(chosen)
    assert (media.check, media.verdict) == ("media", Verdict.FINE)
    assert (turn.check, turn.verdict) == ("turn", Verdict.SKIPPED)
    assert agent.check == "room" and agent.remedy
    assert await rooms(chosen) == []
    return agent


async def join_as_agent(server: LiveKitServer, chosen: Settings) -> rtc.Room:
    """Come into the doctor's room as soon as there is one."""
    names: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while not names:  # each look is a request to the server
            names = await rooms(chosen)
    token = (
        api.AccessToken(server.api_key, server.api_secret).with_identity("agent").with_kind("agent")
        .with_grants(api.VideoGrants(room_join=True, room=names[0], agent=True)).to_jwt()
    )  # fmt: skip
    joined = rtc.Room()
    await joined.connect(server.url, token)
    return joined


@pytest.mark.slow
async def test_an_agent_that_comes_is_fine_and_the_room_is_gone_afterwards(livekit_server: LiveKitServer) -> None:
    chosen = settings(livekit_server)
    agent = asyncio.create_task(join_as_agent(livekit_server, chosen))
    findings = await check_room(chosen)
    await (await agent).disconnect()
    assert [(finding.check, finding.verdict) for finding in findings] == [
        ("media", Verdict.FINE), ("turn", Verdict.SKIPPED), ("room", Verdict.FINE),
    ]  # fmt: skip
    assert "over UDP" in findings[0].sentence
    assert await rooms(chosen) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("told", "verdict", "words"),
    [
        (None, Verdict.WARNING, "no worker answers on this machine"),
        ({"agent": "other"}, Verdict.FAILED, "the worker here is called other, and verbatim was asked for"),
        ({"reasons": ["draining"]}, Verdict.FAILED, "the worker here says: draining"),
        ({"crowded": "12 of fleet.max_sessions 12 calls run"}, Verdict.FAILED, "12 of fleet.max_sessions 12 calls run"),
        ({}, Verdict.FAILED, "is ready and answers by the name verbatim"),
    ],
)
async def test_the_rule_that_keeps_an_agent_away_is_named(
    livekit_server: LiveKitServer,
    monkeypatch: pytest.MonkeyPatch,
    told: dict[str, Any] | None,
    verdict: Verdict,
    words: str,
) -> None:
    if told is None:
        (port,) = free_ports(1)
        finding = await without_an_agent(settings(livekit_server, port), monkeypatch)
    else:
        async with worker(**told) as port:
            finding = await without_an_agent(settings(livekit_server, port), monkeypatch)
    assert finding.verdict is verdict
    assert words in finding.sentence


async def test_without_keys_no_room_is_made() -> None:
    (finding,) = await check_room(Settings())
    assert finding.verdict is Verdict.SKIPPED


@pytest.mark.parametrize(("grace_s", "departure_s", "warns"), [(20, 20, False), (20, 19, True), (600, 0, False)])
def test_a_grace_that_the_server_does_not_wait_for_is_warned_of(grace_s: int, departure_s: int, warns: bool) -> None:
    chosen = Settings.model_validate({"fleet": {"rejoin_grace": grace_s}})
    assert [each.verdict for each in room._rejoin(chosen, departure_s)] == ([Verdict.WARNING] if warns else [])


async def test_the_server_tells_how_long_it_keeps_a_room(livekit_server: LiveKitServer) -> None:
    chosen = settings(livekit_server)
    async with livekit_api(chosen) as client:
        made = await client.room.create_room(api.CreateRoomRequest(name="doctor-departure"))
        await client.room.delete_room(api.DeleteRoomRequest(room="doctor-departure"))
    assert made.departure_timeout > 0
