"""AssemblyAI's gateway and voices are spoken to as it documents, over a real connection."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from livekit.agents import APIStatusError, llm, tts

from config import Settings
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder
from worker.speech.catalogue import CATALOGUE
from worker.speech.failures import code_of_report
from worker.speech.providers import build_llm, build_tts, provider_names
from worker.speech.tts import WriteAheadTTS
from worker.transcript.events import AgentSentence

KEY = "key-of-assemblyai"
SAMPLES = b"\x01\x00" * 24 * 100
"""A tenth of a second at 24 kHz."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(method: str, path: str, handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route(method, path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_gateway_gets_the_bare_key_and_the_answer_is_streamed() -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    async def complete(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers["Authorization"], await request.json()))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for delta, end in (({"role": "assistant", "content": "Two "}, None), ({"content": "pizzas."}, "stop")):
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}  # fmt: skip
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    async with serving("POST", "/v1/chat/completions", complete) as address, asyncio.timeout(PATIENCE_S):
        gateway = {"provider": "gateway", "model": "claude-sonnet-4-6", "api_key": KEY}
        settings = Settings.model_validate({"llm": gateway | {"base_url": f"http://{address}/v1"}})
        model = build_llm(settings)
        context = llm.ChatContext.empty()
        context.add_message(role="user", content="Two pizzas.")
        async with model.chat(chat_ctx=context) as stream:
            said = "".join([chunk.delta.content or "" async for chunk in stream if chunk.delta])
        await model.aclose()
    assert said == "Two pizzas."
    ((authorization, body),) = seen
    assert authorization == KEY
    assert (body["model"], body["stream"], body["temperature"]) == ("claude-sonnet-4-6", True, 0.7)


async def test_an_answer_that_the_gateway_gives_whole_is_spoken_and_its_tools_are_called() -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "order", "arguments": '{"pizzas": 2}'}}
    usage = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}

    async def complete(_: web.Request) -> web.StreamResponse:
        message = {"role": "assistant", "content": "Two pizzas.", "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return web.json_response({"id": "1", "created": 1, "model": "m", "choices": [choice], "usage": usage})

    async with serving("POST", "/v1/chat/completions", complete) as address, asyncio.timeout(PATIENCE_S):
        gateway = {"provider": "gateway", "api_key": KEY, "base_url": f"http://{address}/v1"}
        model = build_llm(Settings.model_validate({"llm": gateway}))
        context = llm.ChatContext.empty()
        context.add_message(role="user", content="Two pizzas.")
        async with model.chat(chat_ctx=context) as stream:
            chunks = [chunk async for chunk in stream]
        await model.aclose()
    deltas = [chunk.delta for chunk in chunks if chunk.delta is not None]
    assert "".join(delta.content or "" for delta in deltas) == "Two pizzas."
    (called,) = [each for delta in deltas for each in delta.tool_calls]
    assert (called.name, called.arguments, called.call_id) == ("order", '{"pizzas": 2}', "call-1")
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage is not None] == [23]


async def test_a_voice_of_assemblyai_speaks_what_was_written_down_in_the_language_of_the_calls(
    recorder: MemoryRecorder,
) -> None:
    seen: list[Any] = []

    async def speak(request: web.Request) -> web.StreamResponse:
        seen.extend([request.headers["Authorization"], dict(request.query)])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "Begin", "id": "tts-1", "expires_at": 4_000_000_000, "configuration": {}})
        flushed = 0
        async for message in socket:
            frame = json.loads(message.data)
            if frame["type"] == "Generate":
                seen.append(frame["text"])
            elif frame["type"] == "Flush":
                audio = base64.b64encode(SAMPLES).decode()
                await socket.send_json({"type": "Audio", "flush_id": flushed, "audio": audio})
                await socket.send_json({"type": "FlushDone", "flush_id": flushed, "audio_duration_ms": 100})
                flushed += 1
        return socket

    async with serving("GET", "/v1/ws", speak) as address, asyncio.timeout(PATIENCE_S):
        voice = {"provider": "assemblyai", "model": "assemblyai-tts-1", "voice": "ada", "api_key": KEY}
        settings = Settings.model_validate(
            {"tts": voice | {"base_url": f"ws://{address}"}, "agent": {"language": "es"}}
        )
        wrapper = WriteAheadTTS(build_tts(settings), recorder)
        async with wrapper.stream() as stream:
            stream.push_text("Dos pizzas.")
            stream.end_input()
            heard = b"".join([bytes(audio.frame.data) async for audio in stream])
        await wrapper.aclose()
    assert SAMPLES in heard
    authorization, query, text = seen
    assert (authorization, text) == (KEY, "Dos pizzas.")
    assert (query["model_id"], query["voice_id"], query["language"]) == ("assemblyai-tts-1", "ada", "spanish")
    assert [sentence.text for sentence in recorder.of(AgentSentence)] == ["Dos pizzas."]


async def test_a_key_that_the_voices_refuse_has_its_place_in_the_catalogue(recorder: MemoryRecorder) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "Error", "error_code": 1008, "error": "Unauthorized connection"})
        await socket.close(code=1008)
        return socket

    reports: list[tts.TTSError] = []
    async with serving("GET", "/v1/ws", refuse) as address, asyncio.timeout(PATIENCE_S):
        voice = {"provider": "assemblyai", "api_key": KEY, "base_url": f"ws://{address}"}
        wrapper = WriteAheadTTS(build_tts(Settings.model_validate({"tts": voice})), recorder)
        wrapper.on("error", reports.append)
        async with wrapper.stream() as stream:
            stream.push_text("Two pizzas.")
            stream.end_input()
            with pytest.raises(APIStatusError):
                async for _ in stream:
                    pass
        await wrapper.aclose()
    found = CATALOGUE[code_of_report(reports[-1])]
    assert (found.code, found.fatal) == ("tts.close_1008", True)
    assert not reports[-1].recoverable


def test_both_are_named_in_the_transcript() -> None:
    told = provider_names(
        Settings.model_validate(
            {
                "llm": {"provider": "gateway", "model": "gpt-5.2", "base_url": "https://llm-gateway.assemblyai.com/v1"},
                "tts": {"provider": "assemblyai", "model": "m", "base_url": "wss://tts.eu.assemblyai.com"},
            }
        )
    )
    assert (told["llm"], told["tts"]) == ("AssemblyAI LLM Gateway gpt-5.2", "AssemblyAI m")
