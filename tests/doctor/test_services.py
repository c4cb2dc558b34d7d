"""STT, LLM and TTS are asked at real servers on this machine, which answer well, badly or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from config import Settings
from tests.parts.livekit_server import free_ports
from tests.speech.scripted_server import Connection, ScriptedServer, until_terminated
from worker.doctor.findings import Finding, Verdict
from worker.doctor.recogniser import check_stt
from worker.doctor.services import check_llm, check_tts
from worker.speech.catalogue import fault

KEY = "key-4711"
SECONDS = 0.3

Check = Callable[..., Awaitable[Finding]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def settings(url: str = "http://127.0.0.1:1", **changes: dict[str, Any]) -> Settings:
    given = {"api_key": KEY, "base_url": url}
    sections = {
        "stt": given | {"base_url": url.replace("http", "ws", 1)},
        "llm": given,
        "tts": given,
    }
    return Settings.model_validate({name: values | changes.get(name, {}) for name, values in sections.items()})


def no_secret(finding: Finding) -> Finding:
    assert KEY not in finding.sentence + finding.remedy
    assert finding.verdict in (Verdict.FINE, Verdict.SKIPPED) or finding.remedy
    return finding


@asynccontextmanager
async def models(handler: Handler) -> AsyncIterator[str]:
    """A server with that answer to `GET /v1/models`; yields its address."""
    app = web.Application()
    app.router.add_get("/v1/models", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def answers(status: int = 200, text: str = "") -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type="application/json")

    return handler


LISTS = '{"object": "list", "data": [{"id": "gpt-4o-mini"}, {"id": "gpt-4o-mini-tts"}]}'
both = pytest.mark.parametrize(("check", "name"), [(check_llm, "llm"), (check_tts, "tts")])


@both
async def test_a_server_with_the_model_is_fine(check: Check, name: str) -> None:
    authorization: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        authorization.append(request.headers["Authorization"])
        return web.Response(text=LISTS, content_type="application/json")

    async with models(handler) as url:
        finding = no_secret(await check(settings(url)))
    assert (finding.check, finding.verdict) == (name, Verdict.FINE)
    assert authorization == [f"Bearer {KEY}"]


@both
@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_is_said_so(check: Check, name: str, status: int) -> None:
    async with models(answers(status, '{"error": {"message": "key-4711 is wrong"}}')) as url:
        finding = no_secret(await check(settings(url)))
    assert finding == Finding(name, Verdict.FAILED, f"{url} refused the key.", "Check OPENAI_API_KEY.")


@both
@pytest.mark.parametrize("status", [404, 429, 500, 503])
async def test_another_status_is_named(check: Check, name: str, status: int) -> None:
    async with models(answers(status)) as url:
        finding = no_secret(await check(settings(url)))
    assert finding.verdict is Verdict.FAILED
    assert f"HTTP status {status}" in finding.sentence


@both
@pytest.mark.parametrize(
    "text", ["", "<html>", "[]", "null", '{"data": null}', '{"data": {"id": 1}}', '{"models": []}', "\x00"]
)
async def test_an_answer_that_lists_no_models_is_said_so(check: Check, name: str, text: str) -> None:
    async with models(answers(200, text)) as url:
        finding = no_secret(await check(settings(url)))
    assert (finding.verdict, finding.check) == (Verdict.FAILED, name)
    assert "something else than models" in finding.sentence


@both
async def test_a_model_that_is_not_listed_is_said_so(check: Check, name: str) -> None:
    async with models(answers(200, '{"data": [{"id": "other"}, {}, 7, {"id": null}]}')) as url:
        finding = no_secret(await check(settings(url)))
    assert finding.verdict is Verdict.FAILED
    assert "has no model gpt-4o-mini" in finding.sentence
    assert f"{name}.model" in finding.remedy


@both
async def test_an_empty_list_says_nothing_about_models(check: Check, name: str) -> None:
    async with models(answers(200, '{"data": []}')) as url:
        assert (await check(settings(url))).verdict is Verdict.FINE


@both
async def test_a_server_that_hangs_is_unreachable(check: Check, name: str) -> None:
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with models(hang) as url:
        finding = no_secret(await check(settings(url), SECONDS))
        released.set()
    assert finding.verdict is Verdict.UNREACHABLE
    assert "no answer in" in finding.sentence


async def test_nobody_at_the_address_is_unreachable() -> None:
    (port,) = free_ports(1)
    own = settings(f"http://127.0.0.1:{port}")
    for check in (check_stt, check_llm, check_tts):
        finding = no_secret(await check(own))
        assert finding.verdict is Verdict.UNREACHABLE
        assert str(port) in finding.sentence


async def test_without_a_key_nothing_is_asked() -> None:
    nothing: dict[str, Any] = {"api_key": None}
    own = settings(stt=nothing, llm=nothing, tts=nothing)
    assert [(await check(own)).verdict for check in (check_stt, check_llm, check_tts)] == [Verdict.SKIPPED] * 3


@both
async def test_a_plugin_of_one_s_own_is_not_asked(check: Check, name: str) -> None:
    finding = await check(settings(**{name: {"plugin": "own:Plugin"}}))
    assert (finding.check, finding.verdict) == (name, Verdict.SKIPPED)
    assert "own:Plugin" in finding.sentence


# --- STT


async def test_an_stt_that_begins_a_session_is_fine_and_the_session_is_ended() -> None:
    chosen: dict[str, Any] = {"keyterms": ["Verbatim"], "domain": "medical-v1"}
    async with ScriptedServer(until_terminated).running() as server:
        finding = no_secret(await check_stt(settings(server.url.replace("ws", "http", 1), stt=chosen)))
        connection = await server.connection()
        await connection.until_terminate()
        assert server.attempts == 1
    assert finding.verdict is Verdict.FINE
    assert connection.headers["Authorization"] == KEY
    # What a call would ask for, so that an option which is refused is found here.
    expected = {"speech_model": "universal-3-5-pro", "min_turn_silence": "100", "max_turn_silence": "1000",
                "keyterms_prompt": '["Verbatim"]', "domain": "medical-v1"}  # fmt: skip
    assert expected.items() <= connection.query.items()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500])
async def test_an_stt_that_refuses_is_told_as_in_a_call(status: int) -> None:
    async with ScriptedServer(status).running() as server:
        finding = no_secret(await check_stt(settings(server.url.replace("ws", "http", 1))))
    found = fault(f"assemblyai.http_{status}")
    assert finding == Finding("stt", Verdict.FAILED, found.sentence, found.remedy)


async def test_an_stt_that_hangs_before_or_after_the_upgrade_is_unreachable() -> None:
    async def mute(connection: Connection) -> None:
        await connection.until(lambda _: False)

    for step in ("hang", mute):
        async with ScriptedServer(step).running() as server:
            finding = no_secret(await check_stt(settings(server.url.replace("ws", "http", 1)), SECONDS))
        assert finding.verdict is Verdict.UNREACHABLE
        assert "no answer in" in finding.sentence


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"Begin"', '{"type": "Turn"}'])
async def test_an_stt_that_says_something_else_is_said_so(text: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.send_text(text)
        await connection.close(1000)

    async with ScriptedServer(script).running() as server:
        finding = no_secret(await check_stt(settings(server.url.replace("ws", "http", 1))))
    assert finding.verdict is Verdict.FAILED
    assert finding.sentence == fault("assemblyai.no_begin").sentence


async def test_an_stt_s_own_reason_is_passed_on_without_the_key() -> None:
    async def script(connection: Connection) -> None:
        await connection.send({"type": "Error", "error_code": 1008, "error": f"Insufficient funds\nof {KEY}"})
        await connection.close(1008)

    async with ScriptedServer(script).running() as server:
        finding = no_secret(await check_stt(settings(server.url.replace("ws", "http", 1))))
    found = fault("assemblyai.close_1008")
    assert finding.sentence == f"{found.sentence} AssemblyAI says: Insufficient funds of …."
    assert finding.remedy == found.remedy


@pytest.mark.parametrize("code", [1011, 3006, 3009])
async def test_an_stt_that_closes_at_once_is_named_by_its_code(code: int) -> None:
    async def script(connection: Connection) -> None:
        await connection.close(code)

    async with ScriptedServer(script).running() as server:
        finding = no_secret(await check_stt(settings(server.url.replace("ws", "http", 1))))
    assert finding.sentence == fault(f"assemblyai.close_{code}").sentence
