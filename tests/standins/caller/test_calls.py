"""The caller in a real room, with an agent that answers at a known pace."""

import asyncio
import json
import os
import re
import sys
import time
import uuid
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from livekit import api
from pocketsphinx import Decoder

from standins.caller import Caller, CallerError, CallerProcess, NoAgentError, NoAnswerError, caller_token
from standins.voices import Synthesizer
from tests.parts.livekit_server import LiveKitServer
from tests.standins.caller.echo_agent import ANSWER, GREETING, LONG_ANSWER, QUIET_S, EchoAgent

pytestmark = [pytest.mark.needs("speech"), pytest.mark.needs("livekit-server")]

SHORT = "Where is my order?"
LONG = "My order number is four seven two nine."


@pytest.fixture
def room_name() -> str:
    return f"caller-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def agent(livekit_server: LiveKitServer, room_name: str) -> AsyncIterator[EchoAgent]:
    async with EchoAgent(livekit_server, room_name) as echo:
        yield echo


@pytest.fixture
def token(livekit_server: LiveKitServer, room_name: str) -> str:
    return caller_token(livekit_server.api_key, livekit_server.api_secret, room_name)


@pytest.fixture
async def caller(livekit_server: LiveKitServer, token: str) -> AsyncIterator[Caller]:
    async with Caller() as one:
        await one.join(livekit_server.url, token)
        yield one


def recognised(pcm: bytes) -> list[str]:
    decoder = Decoder(loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(bytes(9600) + pcm + bytes(9600))
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr.split() if hypothesis else []


def shared_words(heard: list[str], text: str) -> float:
    wanted = re.findall(r"[a-z']+", text.lower())
    return len([word for word in wanted if word in heard]) / len(wanted)


async def start(*arguments: str, token: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "standins", "caller", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env={**os.environ, "LIVEKIT_TOKEN": token},
    )  # fmt: skip


async def run(*arguments: str, token: str) -> tuple[int, list[str]]:
    """Runs the caller's process to its end: exit status, and its events as they were printed."""
    process = await start(*arguments, token=token)
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, output.decode().splitlines()


def samples_of(path: str) -> bytes:
    with wave.open(path) as file:
        assert file.getframerate() == 16000
        return file.readframes(file.getnframes())


def name_of(event: str) -> str:
    name: str = json.loads(event)["event"]
    return name


async def test_a_conversation_is_heard_measured_and_captioned(caller: Caller, agent: EchoAgent) -> None:
    assert await caller.wait_for_agent() == "agent-echo"
    await agent.say(GREETING)
    greeting = await caller.listen()
    assert greeting.caption == GREETING
    assert shared_words(recognised(greeting.audio), GREETING) > 0.6

    spoken = await caller.speak(SHORT)
    answer = await caller.listen()
    assert answer.started_at > spoken.ended_at
    assert answer.answer_ms == pytest.approx((answer.started_at - spoken.ended_at) * 1000)
    assert answer.answer_ms > QUIET_S * 1000
    assert answer.caption == ANSWER
    assert shared_words(recognised(answer.audio), ANSWER) > 0.6
    voice = await Synthesizer().speak(ANSWER, "ash", 16000)
    assert answer.duration_ms < len(voice) / 32


@pytest.mark.slow
async def test_what_the_caller_says_arrives_whole(caller: Caller, agent: EchoAgent) -> None:
    await caller.wait_for_agent()
    spoken = await caller.speak(SHORT)
    await caller.listen()
    heard = agent.ear.speech_since(0.0, pause_s=QUIET_S)
    lasted = spoken.ended_at - spoken.started_at
    assert heard[-1].ended_at - heard[0].started_at == pytest.approx(lasted, abs=0.15)
    assert shared_words(recognised(agent.ear.audio(heard)), SHORT) > 0.6


@pytest.mark.slow
async def test_an_agent_that_is_talked_over_stops_and_answers_anew(caller: Caller, agent: EchoAgent) -> None:
    await caller.wait_for_agent()
    await caller.speak(LONG)
    cut = await caller.barge_in("Wait.", after_ms=800)
    whole = await Synthesizer().speak(LONG_ANSWER, "ash", 16000)
    assert 800 <= cut.heard_ms < len(whole) / 32 - 500
    assert cut.caption == LONG_ANSWER
    answer = await caller.listen()
    assert answer.caption == ANSWER
    assert answer.started_at > cut.spoken.ended_at


@pytest.mark.slow
async def test_a_muted_caller_is_not_heard(caller: Caller, agent: EchoAgent) -> None:
    await caller.wait_for_agent()
    caller.mute()
    await caller.speak(LONG)
    caller.unmute()
    unmuted_at = time.monotonic()
    await caller.speak(SHORT)
    assert (await caller.listen()).caption == ANSWER
    assert agent.ear.bursts[0].started_at > unmuted_at


async def test_a_written_question_is_answered(caller: Caller, agent: EchoAgent) -> None:
    await caller.wait_for_agent()
    await caller.send_text("What are your opening hours?")
    assert (await caller.listen()).caption == ANSWER
    assert agent.texts == ["What are your opening hours?"]


async def test_a_room_without_an_agent_is_noticed(caller: Caller) -> None:
    with pytest.raises(NoAgentError):
        await caller.wait_for_agent(deadline_s=0.1)


async def test_an_agent_that_does_not_answer_is_noticed(caller: Caller, agent: EchoAgent) -> None:
    await caller.wait_for_agent()
    with pytest.raises(NoAnswerError):
        await caller.listen(deadline_s=0.1)


async def test_a_wrong_secret_is_one_sentence(livekit_server: LiveKitServer, room_name: str) -> None:
    forged = caller_token(livekit_server.api_key, "x" * 40, room_name)
    async with Caller() as one:
        with pytest.raises(CallerError, match="The caller cannot join at ws://127"):
            await one.join(livekit_server.url, forged)


async def test_a_deleted_room_ends_the_call(livekit_server: LiveKitServer, room_name: str, caller: Caller) -> None:
    async with api.LiveKitAPI(livekit_server.url, livekit_server.api_key, livekit_server.api_secret) as server:
        await server.room.delete_room(api.DeleteRoomRequest(room=room_name))
    assert await caller.wait_until_ended(deadline_s=10) == "ROOM_DELETED"
    with pytest.raises(CallerError, match="ROOM_DELETED"):
        await caller.speak(SHORT)


async def test_a_proxy_in_the_environment_is_not_used_on_loopback(
    livekit_server: LiveKitServer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with Caller() as one:
        await one.join(livekit_server.url, token)
        assert one.room.isconnected()


@pytest.mark.slow
async def test_a_process_follows_its_steps(
    livekit_server: LiveKitServer, token: str, agent: EchoAgent, tmp_path: Path
) -> None:
    async with CallerProcess(livekit_server.url, token, audio_directory=tmp_path) as process:
        assert (await process.do("wait_for_agent"))["identity"] == "agent-echo"
        assert (await process.do("speak", text=SHORT))["event"] == "spoke"
        answered = await process.do("listen")
        assert answered["caption"] == ANSWER
        assert answered["answer_ms"] > QUIET_S * 1000
        assert shared_words(recognised(await asyncio.to_thread(samples_of, answered["audio"])), ANSWER) > 0.6
        assert (await process.do("hang_up"))["event"] == "left"
        assert await asyncio.wait_for(agent.left.get(), 5) == ("caller", "CLIENT_INITIATED")


@pytest.mark.slow
async def test_a_caller_that_vanishes_leaves_without_a_goodbye(
    livekit_server: LiveKitServer, token: str, agent: EchoAgent
) -> None:
    async with CallerProcess(livekit_server.url, token) as process:
        await process.do("wait_for_agent")
        await process.do("write", text="Hi.")
        await process.do("listen")
        await process.vanish()
        with pytest.raises(CallerError, match="not running"):
            await process.do("listen")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(agent.left.get(), 1)


@pytest.mark.slow
async def test_a_script_in_a_file_is_followed_to_its_end(
    livekit_server: LiveKitServer, token: str, agent: EchoAgent, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"do": "wait_for_agent"}, {"do": "write", "text": "Hi."}, {"do": "listen"}]')
    status, events = await run("--url", livekit_server.url, "--script", str(script), token=token)
    assert status == 0
    assert [name_of(event) for event in events] == ["joined", "agent", "wrote", "answered", "left"]


async def test_a_script_that_makes_no_sense_is_refused(
    livekit_server: LiveKitServer, token: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"do": "dance"}]')
    status, events = await run("--url", livekit_server.url, "--script", str(script), token=token)
    assert status == 2
    assert "dance" in events[-1]


async def test_a_process_that_is_told_to_end_hangs_up(
    livekit_server: LiveKitServer, token: str, agent: EchoAgent, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_text(
        '[{"do": "wait_for_agent"}, {"do": "write", "text": "Hi."}, {"do": "listen"}, {"do": "pause", "ms": 60000}]'
    )
    process = await start("--url", livekit_server.url, "--script", str(script), token=token)
    assert process.stdout is not None
    for expected in ("joined", "agent", "wrote", "answered"):
        assert name_of((await process.stdout.readline()).decode()) == expected
    process.terminate()
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert name_of(output.decode()) == "left"
    assert process.returncode == 0
    assert await asyncio.wait_for(agent.left.get(), 5) == ("caller", "CLIENT_INITIATED")
