"""Exchanges with OpenAI's chat completions and speech, a compatible service, or the stand-in.

Source: OpenAI API reference, "Create chat completion", "Chat completion chunk object", "List models",
"Create speech" and "Error codes".
"""

import base64
import binascii
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import aiohttp

from tests.contract.probe import CONNECT_WITHIN_S, Probe, Use
from tests.contract.recording import NO_JSON, Recorder
from tests.contract.services import ChatService, SpeechService

DONE = "[DONE]"
WRONG_KEY = "sk-refused"

QUESTION = "What is the weather in Paris?"
INSTRUCTIONS = "Answer in one short sentence."
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Looks up the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
SENTENCE = "We are open from nine in the morning until six in the evening."

BYTES_PER_MS = 48  # 24 kHz, 16 bit, mono
WAV_HEADER = struct.Struct("<HHIIHH")  # format, channels, rate, bytes a second, block, bits


@contextlib.asynccontextmanager
async def _asked(
    service: ChatService | SpeechService, recorder: Recorder, path: str, body: Any = None, *, key: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """A request, POST with a body and else GET; status and content type of its answer are noted."""
    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_WITHIN_S)
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(proxy=service.proxy, trust_env=False, timeout=timeout) as http:
        method = "GET" if body is None else "POST"
        async with http.request(method, f"{service.url}{path}", json=body, headers=headers) as answer:
            recorder.status = answer.status
            recorder.content_type = answer.content_type
            yield answer


async def _events(answer: aiohttp.ClientResponse, recorder: Recorder) -> AsyncIterator[Any]:
    """The server-sent events of an answer, each noted."""
    async for line in answer.content:
        field, _, data = line.decode(errors="replace").strip().partition(":")
        if field != "data":
            continue
        if data.strip() == DONE:
            recorder.mark(DONE)
            continue
        try:
            message = json.loads(data)
        except json.JSONDecodeError:
            recorder.mark(NO_JSON)
            continue
        recorder.message(message)
        yield message


async def _body(answer: aiohttp.ClientResponse, recorder: Recorder) -> Any:
    """A JSON answer, noted; None when it is something else."""
    try:
        message = json.loads(await answer.read())
    except (json.JSONDecodeError, UnicodeDecodeError):
        recorder.mark(NO_JSON)
        return None
    recorder.message(message)
    return message


async def _chat(service: ChatService, recorder: Recorder, *, tools: bool = False) -> None:
    body: dict[str, Any] = {
        "model": service.model,
        "messages": [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": QUESTION}],
        "temperature": service.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if tools:
        body["tools"] = [TOOL]
    async with _asked(service, recorder, "/chat/completions", body, key=service.key) as answer:
        if answer.status != 200:
            await _body(answer, recorder)
            return
        async for chunk in _events(answer, recorder):
            choices = chunk.get("choices") if isinstance(chunk, dict) else None
            if choices and any(choices[0].get("delta", {}).get(name) for name in ("content", "tool_calls")):
                recorder.moment("first token")


async def _refused_chat(service: ChatService, recorder: Recorder) -> None:
    body = {"model": service.model, "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    async with _asked(service, recorder, "/chat/completions", body, key=WRONG_KEY) as answer:
        await _body(answer, recorder)


async def _models(service: ChatService, recorder: Recorder) -> None:
    async with _asked(service, recorder, "/models", key=service.key) as answer:
        listed = await _body(answer, recorder)
    models = listed.get("data", []) if isinstance(listed, dict) else []
    recorder.facts["model_listed"] = any(model.get("id") == service.model for model in models)


async def _speech(
    service: SpeechService, recorder: Recorder, *, response_format: str, stream_format: str, key: str | None = None
) -> None:
    body: Mapping[str, Any] = {
        "model": service.model,
        "voice": service.voice,
        "speed": service.speed,
        "input": SENTENCE,
        "response_format": response_format,
        "stream_format": stream_format,
    }
    async with _asked(service, recorder, "/audio/speech", body, key=key or service.key) as answer:
        if answer.status != 200:
            await _body(answer, recorder)
        elif answer.content_type == "text/event-stream":
            audio = b"".join([_audio_of(event, recorder) async for event in _events(answer, recorder)])
            _measure(audio, response_format, recorder)
        else:
            pieces = []
            async for piece in answer.content.iter_any():
                recorder.moment("first audio")
                pieces.append(piece)
            _measure(b"".join(pieces), response_format, recorder)


def _audio_of(event: Any, recorder: Recorder) -> bytes:
    encoded = event.get("audio") or event.get("delta") if isinstance(event, dict) else None
    if not isinstance(encoded, str):
        return b""
    recorder.moment("first audio")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        recorder.facts["audio_is_base64"] = False
        return b""


def _measure(audio: bytes, response_format: str, recorder: Recorder) -> None:
    """Note what the audio is: of WAV what its header says, of PCM its length at 24 kHz."""
    recorder.facts["audio_bytes"] = len(audio)
    if response_format != "wav":
        recorder.facts["audio_ms"] = len(audio) // BYTES_PER_MS
        return
    is_wav = audio[:4] == b"RIFF" and audio[8:12] == b"WAVE" and b"fmt " in audio[:64]
    recorder.facts["is_wav"] = is_wav
    if is_wav:
        _, channels, rate, bytes_per_second, _, bits = WAV_HEADER.unpack_from(audio, audio.index(b"fmt ") + 8)
        recorder.facts |= {"channels": channels, "sample_rate": rate, "bits": bits}
        recorder.facts["audio_ms"] = 1000 * len(audio) // max(1, bytes_per_second)


ChatProbe = Probe[ChatService]
SpeechProbe = Probe[SpeechService]

# Four characters are about one token; the figures are rounded up.
ANSWER: ChatProbe = Probe("a streamed answer", _chat, Use(prompt_tokens=40, answer_tokens=60))
TOOL_CALL: ChatProbe = Probe("a tool call", partial(_chat, tools=True), Use(prompt_tokens=100, answer_tokens=60))
MODELS: ChatProbe = Probe("the list of models", _models)
REFUSED_CHAT: ChatProbe = Probe("a chat with a wrong key", _refused_chat)
CHAT_PROBES = (ANSWER, TOOL_CALL, MODELS, REFUSED_CHAT)

# The sentence takes about 4 seconds; a slow voice takes 6.
_SPOKEN = Use(characters=len(SENTENCE), speech_seconds=6)
_AS_IT_IS = partial(_speech, stream_format="audio")
PCM_EVENTS: SpeechProbe = Probe(
    "speech as events, pcm", partial(_speech, response_format="pcm", stream_format="sse"), _SPOKEN
)
PCM: SpeechProbe = Probe("speech as it is, pcm", partial(_AS_IT_IS, response_format="pcm"), _SPOKEN)
WAV: SpeechProbe = Probe("speech as it is, wav", partial(_AS_IT_IS, response_format="wav"), _SPOKEN)
REFUSED_SPEECH: SpeechProbe = Probe("speech with a wrong key", partial(_AS_IT_IS, response_format="pcm", key=WRONG_KEY))
SPEECH_PROBES = (PCM_EVENTS, PCM, WAV, REFUSED_SPEECH)
