"""The answers' JSON and server-sent events, as the API writes them. Pure builders, no time and no socket.

Source: OpenAI API reference, "Chat completion object", "Chat completion chunk object", "Create speech"
(streaming events) and "Error codes".
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from standins.openai.dialogue import Call, Say
from standins.openai.requests import ChatRequest

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Heading:
    """What all chunks of one completion share; `created` is in Unix seconds."""

    completion_id: str
    created: int
    model: str


def encode(payload: Any) -> bytes:
    """A payload as JSON in UTF-8."""
    return json.dumps(payload, ensure_ascii=False).encode()


def event(payload: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + encode(payload) + b"\n\n"


def error(message: str, kind: str, code: str | None) -> dict[str, Any]:
    """The body of an error answer."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def pieces(answer: Say | Call) -> list[str]:
    """An answer cut into what one chunk carries: words with the space before them, or bits of JSON."""
    if isinstance(answer, Call):
        return re.findall(r".{1,8}", answer.arguments)
    return re.findall(r"\s*\S+", answer.text)


def usage(request: ChatRequest, answer: Say | Call) -> dict[str, int]:
    """A count of words in place of tokens; the same conversation always costs the same."""
    prompt = sum(len(message.text.split()) + 1 for message in request.messages)
    completion = len(pieces(answer))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def completion(heading: Heading, request: ChatRequest, answer: Say | Call, call_id: str) -> dict[str, Any]:
    """The whole answer to a request that did not ask for a stream."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(answer, Say):
        message["content"] = answer.text
    else:
        message["tool_calls"] = [_tool_call(answer.name, answer.arguments, call_id)]
    return {
        "id": heading.completion_id,
        "object": "chat.completion",
        "created": heading.created,
        "model": heading.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(answer)}],
        "usage": usage(request, answer),
    }


def content_chunks(heading: Heading, answer: Say | Call, call_id: str) -> Iterator[dict[str, Any]]:
    """The chunks that carry the answer, one for each piece; the first one carries the role as well."""
    for position, piece in enumerate(pieces(answer)):
        role = {"role": "assistant"} if position == 0 else {}
        if isinstance(answer, Say):
            yield _chunk(heading, [_choice({**role, "content": piece})])
            continue
        if position == 0:
            yield _chunk(
                heading,
                [_choice({**role, "content": None, "tool_calls": [_delta(answer.name, "", call_id)]})],
            )
        yield _chunk(heading, [_choice({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})])


def closing_chunks(heading: Heading, request: ChatRequest, answer: Say | Call) -> Iterator[dict[str, Any]]:
    """The chunk with the finish reason and, if the request asked for it, the one with the usage."""
    yield _chunk(heading, [_choice({}, _finish_reason(answer))])
    if request.stream_options is not None and request.stream_options.include_usage:
        yield {**_chunk(heading, []), "usage": usage(request, answer)}


def audio_delta(audio: bytes) -> bytes:
    """A piece of speech as an event."""
    return event({"type": "speech.audio.delta", "audio": base64.b64encode(audio).decode()})


def audio_done(words: int, seconds: float) -> bytes:
    """The last event of a speech; its usage counts words and tenths of a second of audio."""
    output = round(seconds * 10)
    spent = {"input_tokens": words, "output_tokens": output, "total_tokens": words + output}
    return event({"type": "speech.audio.done", "usage": spent})


def _chunk(heading: Heading, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": heading.completion_id,
        "object": "chat.completion.chunk",
        "created": heading.created,
        "model": heading.model,
        "choices": choices,
    }


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _finish_reason(answer: Say | Call) -> str:
    return "stop" if isinstance(answer, Say) else "tool_calls"


def _tool_call(name: str, arguments: str, call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _delta(name: str, arguments: str, call_id: str) -> dict[str, Any]:
    return {"index": 0, **_tool_call(name, arguments, call_id)}
