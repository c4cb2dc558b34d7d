"""A clock that is wrong and a name that nobody knows are found before a call."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web

from config import Settings
from tests.parts.livekit_server import free_ports
from worker.doctor.clock import check_clock, judged
from worker.doctor.findings import Verdict
from worker.doctor.names import check_names


@asynccontextmanager
async def telling(date: str) -> AsyncIterator[Settings]:
    """A server with that clock."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="OK", headers={"Date": date})

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Settings.model_validate({"livekit": {"url": f"ws://127.0.0.1:{runner.addresses[0][1]}"}})
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("behind", "verdict", "words"),
    [
        (0, Verdict.FINE, "agrees"),
        (30, Verdict.WARNING, "30 s behind"),
        (-30, Verdict.WARNING, "ahead of"),
        (3600, Verdict.FAILED, "refuse the tokens"),
    ],
)
async def test_the_clock_is_compared_with_the_server_s(behind: int, verdict: Verdict, words: str) -> None:
    async with telling(formatdate(time.time() + behind, usegmt=True)) as settings:
        finding = await check_clock(settings)
    assert finding.verdict is verdict
    assert words in finding.sentence or (behind == 30 and "behind" in finding.sentence)


@pytest.mark.parametrize("date", ["", "yesterday"])
async def test_a_server_that_does_not_tell_its_time_is_left_out(date: str) -> None:
    async with telling(date) as settings:
        assert (await check_clock(settings)).verdict is Verdict.SKIPPED


async def test_a_server_that_is_away_is_no_matter_of_the_clock() -> None:
    (port,) = free_ports(1)
    settings = Settings.model_validate({"livekit": {"url": f"ws://127.0.0.1:{port}"}})
    assert (await check_clock(settings)).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(("ahead", "verdict"), [(4.9, "fine"), (-4.9, "fine"), (59.0, "warning"), (-60.0, "failed")])
def test_small_differences_are_none(ahead: float, verdict: str) -> None:
    assert judged(ahead).verdict.value == verdict


def at(host: str) -> Settings:
    here = {"base_url": "http://127.0.0.1:1"}
    return Settings.model_validate(
        {"livekit": {"url": f"wss://{host}"}, "stt": {"base_url": "ws://127.0.0.1:1"}, "llm": here, "tts": here}
    )


async def test_a_name_that_nobody_knows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(host: str, *_: Any, **__: Any) -> list[Any]:
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    finding = await check_names(at("calls.example.invalid"))
    assert (finding.verdict, finding.sentence) == (
        Verdict.UNREACHABLE, "calls.example.invalid cannot be resolved.",
    )  # fmt: skip


async def test_names_that_are_known_are_fine() -> None:
    assert (await check_names(at("127.0.0.1"))).verdict is Verdict.FINE
