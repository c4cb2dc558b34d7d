"""A service that sends other fields is found out: here a relay between the probe and a stand-in, which changes them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.contract.differences import differences
from tests.contract.probe import Unreachable, record
from tests.contract.services import MODELS, UNIVERSAL_STREAMING, StreamingService, streaming_standin
from tests.contract.streaming_probes import NOTHING_SAID, SENTENCES
from tests.parts.standins import Standin

pytestmark = pytest.mark.needs("speech")


@pytest.fixture(scope="module")
def assemblyai_arguments(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """The light engine: only the form of what it sends matters here."""
    words = tmp_path_factory.mktemp("words") / "words.json"
    words.write_text(json.dumps(["What are your opening hours?"]))
    return ("--engine", "light", "--words-file", str(words))


def changed(message: dict[str, Any]) -> dict[str, Any]:
    """What this vendor sends in place of the stand-in's message."""
    if message["type"] == "Begin":
        return {name: value for name, value in message.items() if name != "configuration"}
    if message["type"] == "Turn":
        words = [{**word, "speaker": "A"} for word in message["words"]]
        return {**message, "words": words, "utterance": message["utterance"] or None}
    return message


@contextlib.asynccontextmanager
async def relay(standin: Standin) -> AsyncIterator[StreamingService]:
    """A service that passes everything on, and changes what comes back."""

    async def connect(request: web.Request) -> web.WebSocketResponse:
        below = web.WebSocketResponse()
        await below.prepare(request)
        async with (
            aiohttp.ClientSession(trust_env=False) as http,
            http.ws_connect(f"{standin.url}{request.path_qs}", headers={"Authorization": "offline"}) as above,
        ):
            upwards = asyncio.create_task(pass_on(below, above))
            async for message in above:
                await below.send_json(changed(message.json()))
            await below.close(code=above.close_code or 1000)
            upwards.cancel()
            await asyncio.gather(upwards, return_exceptions=True)
        return below

    async def pass_on(below: web.WebSocketResponse, above: aiohttp.ClientWebSocketResponse) -> None:
        async for message in below:
            if message.type is aiohttp.WSMsgType.BINARY:
                await above.send_bytes(message.data)
            else:
                await above.send_str(message.data)

    app = web.Application()
    app.router.add_get("/v3/ws", connect)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield StreamingService("AssemblyAI", f"ws://127.0.0.1:{port}", "offline", MODELS, real_time=False)
    finally:
        await runner.cleanup()


async def test_each_changed_field_is_told_and_nothing_else(assemblyai_standin: Standin) -> None:
    probe = SENTENCES[UNIVERSAL_STREAMING]
    async with relay(assemblyai_standin) as vendor:
        theirs = await record(probe, vendor)
    ours = await record(probe, streaming_standin(assemblyai_standin))
    assert differences(theirs, ours, "AssemblyAI") == [
        "The stand-in sends `configuration` (an object) in Begin, AssemblyAI does not.",
        "AssemblyAI sends `utterance` in Turn as null or text, the stand-in as text.",
        "AssemblyAI sends `words[].speaker` (text) in Turn, the stand-in does not.",
    ]


async def test_a_session_that_breaks_off_is_recorded_as_far_as_it_came(assemblyai_standin: Standin) -> None:
    assemblyai_standin.set_fault("abort", when="mid_turn", count=1)
    recording = await record(SENTENCES[UNIVERSAL_STREAMING], streaming_standin(assemblyai_standin))
    assert recording.frames[0].kind == "Begin"
    assert recording.close_code == 1006
    assert not recording.of_kind("Termination")


async def test_a_service_that_does_not_answer_is_named_without_the_key(assemblyai_standin: Standin) -> None:
    assemblyai_standin.set_fault("refuse")
    with pytest.raises(Unreachable, match=r"^the stand-in cannot be reached \(\w+\)\.$") as unreachable:
        await record(NOTHING_SAID, streaming_standin(assemblyai_standin))
    assert unreachable.value.__cause__ is None
    assert unreachable.value.__suppress_context__


async def test_a_service_that_hangs_is_recorded_at_the_deadline(assemblyai_standin: Standin) -> None:
    assemblyai_standin.set_fault("hang", stage="begin")
    recording = await record(NOTHING_SAID, streaming_standin(assemblyai_standin), deadline_s=0.5)
    assert (recording.in_time, recording.frames) == (False, ())
