"""Whether AssemblyAI begins a session for our key, with the very options that a call would ask for."""

import asyncio
import time
from collections.abc import Awaitable

import aiohttp

from config import Settings
from config.proxies import proxy_for
from worker.doctor.answers import fields_of, reason_of
from worker.doctor.findings import Finding, failed, fine, skipped, unreachable
from worker.speech.assemblyai import RecordingSTT
from worker.speech.assemblyai.connection import NO_CLOSE_FRAME
from worker.speech.assemblyai.decisions import NO_BEGIN, closed, refused
from worker.speech.catalogue import fault
from worker.speech.providers import stt_options
from worker.transcript.events import Event

SECONDS = 10.0
"""How long the service may take to answer."""


async def check_stt(settings: Settings, seconds: float = SECONDS) -> Finding:
    """Open a streaming session, wait at most `seconds` for its `Begin`, and end it; costs a second of recognition."""
    stt = settings.stt
    if stt.api_key is None:
        return skipped("stt", "Not checked: ASSEMBLYAI_API_KEY is not set.")
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds), aiohttp.ClientSession(proxy=proxy_for(stt.base_url)) as http:
            recogniser = RecordingSTT(recorder=_NoJournal(), http_session=http, **stt_options(settings))
            socket = await recogniser.open_socket()
            message = await socket.receive()
            first = fields_of(message.data) if message.type is aiohttp.WSMsgType.TEXT else {}
            took = round(1000 * (time.monotonic() - began))
            if first.get("type") == "Begin":
                await socket.send_json({"type": "Terminate"})
            await socket.close()
    except aiohttp.WSServerHandshakeError as error:
        return _refused(refused(error.status).code)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return unreachable(
            "stt",
            f"{stt.base_url} cannot be reached ({reason_of(error, seconds)}).",
            "Check stt.base_url and the network.",
        )
    if first.get("type") == "Begin":
        return fine("stt", f"{stt.base_url} began a session with {stt.model} after {took} ms; it cost about a second.")
    reason = str(first.get("error") or message.extra or "")
    code = first.get("error_code") if isinstance(first.get("error_code"), int) else socket.close_code
    ended = first.get("type") == "Error" or message.type is not aiohttp.WSMsgType.TEXT
    return _refused(closed(code or NO_CLOSE_FRAME, reason).code if ended else NO_BEGIN.code, _shown(reason, settings))


def _refused(code: str, reason: str = "") -> Finding:
    found = fault(code)
    said = f" AssemblyAI says: {reason.rstrip('.')}." if reason else ""
    return failed("stt", f"{found.sentence}{said}", found.remedy)


def _shown(reason: str, settings: Settings) -> str:
    """Return the provider's own words on one line, without the key, should they quote it."""
    key = settings.stt.api_key.get_secret_value() if settings.stt.api_key is not None else ""
    return " ".join((reason.replace(key, "…") if key else reason).split())


class _NoJournal:
    """A recorder for a session in which nobody speaks."""

    participant = ""
    last_word_ms: int | None = None
    speech: str | None = None

    def append(self, event: Event) -> Awaitable[object]:
        return asyncio.sleep(0)

    def begin_tool(self, call: str, name: str, arguments: str) -> Awaitable[object]:
        return asyncio.sleep(0)

    def tool_key(self, call: str) -> str:
        return ""

    async def settled(self) -> None:
        pass

    def ms_at(self, wall_clock: float) -> int:
        return 0
