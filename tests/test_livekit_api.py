"""The LiveKit server's API, against the real server and against what may stand in its place."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from livekit import api

from config import Settings
from tests.parts.livekit_server import LiveKitServer, free_ports
from worker import livekit_api
from worker.errors import Failed, Misconfigured, Refusal, Unreachable
from worker.livekit_api import check_credentials, dispatch

SECRET = "secret-of-livekit-with-32-characters"


def settings(url: str, api_key: str = "key", api_secret: str = SECRET) -> Settings:
    return Settings.model_validate({"livekit": {"url": url, "api_key": api_key, "api_secret": api_secret}})


@asynccontextmanager
async def answering(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A server that answers everything with `handler`; yields its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def refused(url: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await check_credentials(settings(url))
    (sentence,) = caught.value.sentences
    assert url in sentence
    assert SECRET not in sentence
    return caught.value


async def test_the_real_server_takes_its_own_key_and_secret(livekit_server: LiveKitServer) -> None:
    await check_credentials(settings(livekit_server.url, livekit_server.api_key, livekit_server.api_secret))


@pytest.mark.parametrize("wrong", ["key", "secret"])
async def test_the_real_server_refuses_others(livekit_server: LiveKitServer, wrong: str) -> None:
    key = "another" if wrong == "key" else livekit_server.api_key
    with pytest.raises(Misconfigured, match="refused the key and secret") as caught:
        await check_credentials(settings(livekit_server.url, key, SECRET))
    assert SECRET not in str(caught.value)


async def test_the_agent_is_sent_by_its_name_to_a_room_that_is_made_for_it(livekit_server: LiveKitServer) -> None:
    own = settings(livekit_server.url, livekit_server.api_key, livekit_server.api_secret)
    dispatch_id = await dispatch(own, "a room for test_livekit_api")
    async with api.LiveKitAPI(livekit_server.url, livekit_server.api_key, livekit_server.api_secret) as client:
        found = await client.agent_dispatch.list_dispatch("a room for test_livekit_api")
        await client.room.delete_room(api.DeleteRoomRequest(room="a room for test_livekit_api"))
    # The server adds a dispatch without a name to every room, for workers that take each of them.
    assert [each.id for each in found if each.agent_name] == [dispatch_id]
    assert {each.agent_name for each in found} == {"", "verbatim"}


async def test_nobody_at_the_address_is_unreachable() -> None:
    (port,) = free_ports(1)
    refusal = await refused(f"ws://127.0.0.1:{port}")
    assert isinstance(refusal, Unreachable)
    assert refusal.status == 69


async def test_a_server_that_does_not_answer_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livekit_api, "SECONDS", 0.2)
    never = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with answering(hang) as url:
        refusal = await refused(url)
    assert isinstance(refusal, Unreachable)
    assert "no answer in" in str(refusal)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Misconfigured), (403, Misconfigured), (404, Failed), (429, Failed), (503, Unreachable)]
)
async def test_each_answer_has_its_sentence(status: int, kind: type[Refusal]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>no</html>", content_type="text/html")

    async with answering(answer) as url:
        assert type(await refused(url)) is kind


async def test_something_else_than_livekit_is_recognised() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome!</html>", content_type="text/html")

    async with answering(answer) as url:
        refusal = await refused(url)
    assert isinstance(refusal, Failed)
    assert "no LiveKit server" in str(refusal)
