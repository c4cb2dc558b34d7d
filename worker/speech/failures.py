"""From an exception of a speech component to its code in the catalogue, whatever the provider wrote into it.

Only classes, numbers and the provider's own error codes are read: its texts may quote the conversation.
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError

TOO_MANY_SESSIONS = "too many concurrent sessions"
"""AssemblyAI streaming API: the reason with which code 1008 means the limit of sessions, and not the key."""

_NO_AUDIO = "no audio frames were pushed"
"""livekit-agents 1.8.9, `tts/tts.py`: how the sentence of a TTS without audio begins."""

_ALL_FAILED = ("all LLMs failed", "all TTSs failed")
"""livekit-agents 1.8.9, the fallback adapters: none of the models answered."""

_OF_A_BODY: Mapping[str, str] = {
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "context_length_exceeded": "context_length",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
}
"""OpenAI API reference, "Error codes": what the body's `code` or `type` says beyond the status."""

_TIMEOUTS = ("ReadTimeout", "ConnectTimeout", "WriteTimeout", "PoolTimeout")
_BREAKS = ("RemoteProtocolError", "ReadError", "IncompleteRead", "ClientPayloadError")
"""Classes of httpx2 and httpcore2, on which the OpenAI SDK is built, and of aiohttp; by name, for plugins vary."""

_LONGER_THAN = ("maximum context length", "context_length", "context window", "prompt is too long")
"""How compatible servers write in a sentence that the conversation is too long."""


def code_of_report(report: Any) -> str:
    """Return the catalogue's code for what the framework reports of a component, such as its `LLMError`."""
    # A report carries the exception as `error`; what closed a session may be the exception itself.
    cause = getattr(report, "error", report)
    return code_of(str(getattr(report, "type", "call")).removesuffix("_error"), cause)


def code_of(service: str, error: BaseException) -> str:
    """Return the catalogue's code for `error`.

    Args:
        service: `stt`, `llm` or `tts`.
        error: what the component raised; its `code` counts where it has one of the catalogue's.
    """
    own = getattr(error, "code", None)
    if isinstance(own, str) and "." in own:
        return own
    if isinstance(error, APIStatusError):
        return _of_status(service, error)
    return f"{service}.{_how(error)}"


def _of_status(service: str, error: APIStatusError) -> str:
    status = error.status_code
    if service == "stt":
        if TOO_MANY_SESSIONS in error.message.lower():
            return "assemblyai.too_many_sessions"
        if status >= 1000:
            return "assemblyai.closed" if status in (1000, 1001, 1006) else f"assemblyai.close_{status}"
        return f"assemblyai.http_{status}" if status >= 400 else "assemblyai.closed"
    for name in _names_in(error.body):
        if name in _OF_A_BODY:
            return f"{service}.{_OF_A_BODY[name]}"
    if status >= 1000:  # AssemblyAI's voices come over a socket
        return f"{service}.cut" if status in (1000, 1001, 1006) else f"{service}.close_{status}"
    if status in (400, 413, 422) and any(words in error.message.lower() for words in _LONGER_THAN):
        return f"{service}.context_length"
    return f"{service}.http_{status}" if status >= 400 else f"{service}.cut"


def _names_in(body: object) -> Iterator[str]:
    """Yield the `code` and `type` of an error's body, which some servers wrap in `error`."""
    if isinstance(body, dict):
        for inner in (body, body.get("error")):
            if isinstance(inner, dict):
                yield from (str(inner[name]) for name in ("code", "type") if inner.get(name))


def _how(error: BaseException) -> str:
    """Say how a request failed that brought no status."""
    message = str(getattr(error, "message", ""))
    if _NO_AUDIO in message:
        return "no_audio"
    if message.startswith(_ALL_FAILED):
        return "all_failed"
    stalled = False
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLError | aiohttp.ClientSSLError | ssl.CertificateError):
            return "certificate"
        if isinstance(cause, socket.gaierror | aiohttp.ClientConnectorDNSError):
            return "dns"
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        if isinstance(cause, ConnectionResetError | BrokenPipeError | EOFError) or _broke_off(cause):
            return "cut"
        stalled = stalled or isinstance(cause, APITimeoutError | TimeoutError) or type(cause).__name__ in _TIMEOUTS
    if stalled:
        return "timeout"
    return "network" if isinstance(error, APIConnectionError | OSError) else type(error).__name__


def _broke_off(cause: BaseException) -> bool:
    return type(cause).__name__ in _BREAKS


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what it came from; a chain of libraries may be longer than it is worth."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__  # httpcore2 hides what a connection failed for (`from None`)
