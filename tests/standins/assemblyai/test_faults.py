"""Each fault that can be switched on at run time, seen by a client."""

import asyncio
import time
import urllib.error
from typing import Any

import aiohttp
import pytest

from tests.parts.standins import Standin
from tests.standins.assemblyai.sound import silence, tone
from tests.standins.assemblyai.wire import Client, connected, say

QUERY = {"speech_model": "universal-streaming-english", "min_turn_silence": 160, "max_turn_silence": 800}


async def attempt(standin: Standin) -> Client:
    """A connection that may fail."""
    async with connected(standin, **QUERY) as client:
        await client.until("Begin")
        return client


@pytest.mark.parametrize(("status", "retry_after"), [(401, None), (410, None), (429, 7), (503, None)])
async def test_the_upgrade_is_answered_with_a_status(assemblyai_standin: Standin, status: int, retry_after: int | None):
    assemblyai_standin.set_fault("http", status=status, retry_after=retry_after, count=1)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await attempt(assemblyai_standin)
    assert refused.value.status == status
    assert refused.value.headers is not None
    assert refused.value.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    await attempt(assemblyai_standin)


async def test_a_refused_connection_is_refused_until_the_faults_are_cleared(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("refuse")
    with pytest.raises(aiohttp.ClientConnectorError):
        await attempt(assemblyai_standin)
    assemblyai_standin.clear_faults()
    await attempt(assemblyai_standin)


async def test_a_refused_connection_may_be_accepted_again_by_itself(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("refuse", seconds=0.2)
    deadline = time.monotonic() + 10
    refused = 0
    while time.monotonic() < deadline:
        try:
            await attempt(assemblyai_standin)
            break
        except aiohttp.ClientConnectorError:
            refused += 1
            await asyncio.sleep(0.02)
    assert refused
    await attempt(assemblyai_standin)


async def test_a_session_that_is_closed_while_audio_comes_still_says_why(assemblyai_standin: Standin):
    for _ in range(3):
        async with connected(assemblyai_standin, **QUERY) as client:
            await client.until("Begin")
            sending = asyncio.create_task(client.audio(silence(20_000)))
            await asyncio.to_thread(assemblyai_standin.set_fault, "close", code=3006)
            messages = await client.rest()
            await asyncio.gather(sending, return_exceptions=True)
        assert [each.get("error_code") for each in messages] == [None, 3006]


async def test_sessions_that_are_open_live_on_while_new_ones_are_refused(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **QUERY) as client:
        await client.until("Begin")
        assemblyai_standin.set_fault("refuse")
        await say(client, tone(800), pause_ms=600)
        await client.terminate()
    assert len(client.finals) == 1


async def test_an_upgrade_may_never_be_answered(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("hang", count=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await attempt(assemblyai_standin)
    await attempt(assemblyai_standin)


async def test_an_upgraded_connection_may_never_begin_until_the_fault_is_cleared(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("hang", stage="begin", count=1)
    async with connected(assemblyai_standin, **QUERY) as client:
        with pytest.raises(TimeoutError):
            await client.socket.receive(timeout=0.3)
        assemblyai_standin.clear_faults()
        assert await client.rest() == []


@pytest.mark.parametrize(
    ("code", "has_error"),
    [
        *((code, False) for code in (1000, 1011)),
        *((code, True) for code in (1008, 3005, 3006, 3007, 3008, 3009)),
    ],
)
async def test_a_connection_is_closed_with_any_code_before_it_begins(
    assemblyai_standin: Standin, code: int, has_error: bool
):
    assemblyai_standin.set_fault("close", when="connect", code=code, reason="On demand", count=1)
    async with connected(assemblyai_standin, **QUERY) as client:
        received = await client.rest()
    assert (client.socket.close_code, client.close_reason) == (code, "On demand")
    assert [message["type"] for message in received] == (["Error"] if has_error else [])
    assert assemblyai_standin.log()["sessions"][-1]["close_code"] == code


async def test_open_sessions_are_closed_now(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **QUERY) as client:
        await client.until("Begin")
        assemblyai_standin.set_fault("close", code=3005, reason="Session cancelled")
        (_, error) = await client.rest()
    assert (error["error_code"], client.socket.close_code) == (3005, 3005)


async def test_a_code_1006_drops_the_connection_without_a_close_frame(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **QUERY) as client:
        await client.until("Begin")
        assemblyai_standin.set_fault("close", code=1006)
        await client.rest()
    assert client.socket.close_code == 1006


async def test_a_session_is_cut_in_the_middle_of_a_turn(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("abort", when="mid_turn", count=1)
    async with connected(assemblyai_standin, **QUERY) as client:
        await client.until("Begin")
        await say(client, tone(700))
        await client.rest()
    assert client.turns
    assert not client.finals


async def test_a_session_is_closed_after_so_many_turns(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("close", when="after_turns", turns=2, code=3005, count=1)
    async with connected(assemblyai_standin, **QUERY) as client:
        await say(client, tone(500), silence(600), tone(500), silence(1000), tone(500), silence(600))
        await client.rest()
    assert len(client.finals) == 2


async def test_an_error_frame_comes_without_a_close(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **QUERY) as client:
        await client.until("Begin")
        assemblyai_standin.set_fault("error", code=3005, message="Something broke")
        assert (await client.until("Error"))["error"] == "Something broke"
        assert (await client.terminate())[-1]["type"] == "Termination"


async def test_a_stalled_session_hears_and_says_nothing(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **QUERY) as client:
        await client.until("Begin")
        assemblyai_standin.set_fault("stall")
        await say(client, tone(800), pause_ms=600)
        await client.send("Terminate")
        with pytest.raises(TimeoutError):
            await client.socket.receive(timeout=0.3)
    assert assemblyai_standin.log()["sessions"][-1]["audio_ms"] == 1900


async def test_garbage_comes_between_messages(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **QUERY) as client:
        await client.until("Begin")
        assemblyai_standin.set_fault("garbage")
        with pytest.raises(ValueError, match="Expecting value"):
            await client.next()
        assert (await client.terminate())[-1]["type"] == "Termination"


async def test_terminate_may_stay_without_an_answer(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("no_termination", count=1)
    async with connected(assemblyai_standin, **QUERY) as client:
        await say(client, tone(800))
        await client.send("Terminate")
        await client.until("Turn", end_of_turn=True)
        with pytest.raises(TimeoutError):
            await client.socket.receive(timeout=0.3)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"fault": "earthquake"}, "earthquake"),
        ({"fault": "http", "status": 200}, "status"),
        ({"fault": "close"}, "code"),
        ({"fault": "stall", "when": "tomorrow"}, "when"),
        ({"fault": "stall", "loud": True}, "loud"),
        ({}, "Unknown fault"),
    ],
)
def test_a_fault_that_does_not_exist_is_refused_with_its_name(
    assemblyai_standin: Standin, fault: dict[str, Any], named: str
):
    with pytest.raises(urllib.error.HTTPError) as refused:
        assemblyai_standin.call("POST", "/control/faults", fault)
    assert refused.value.code == 400
    assert named in refused.value.read().decode()
    assert assemblyai_standin.state()["faults"] == []
