"""Whether STT, LLM and TTS open their doors to our keys. Costs nothing but a second of recognition."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
from pydantic import SecretStr

from config import Settings
from config.proxies import proxy_for
from worker.doctor.findings import Finding, failed, fine, skipped, unreachable

SECONDS = 10.0
"""How long a service may take to answer."""


async def check_stt(settings: Settings, seconds: float = SECONDS) -> Finding:
    """Open a streaming session, wait at most `seconds` for its `Begin`, and end it."""
    stt = settings.stt
    if stt.api_key is None:
        return skipped("stt", "Not checked: ASSEMBLYAI_API_KEY is not set.")
    query = urlencode({"sample_rate": 16000, "encoding": stt.encoding, "speech_model": stt.model})
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds), aiohttp.ClientSession(proxy=proxy_for(stt.base_url)) as http:
            socket = await http.ws_connect(
                f"{stt.base_url}/v3/ws?{query}",
                headers={"Authorization": stt.api_key.get_secret_value()},
            )
            message = await socket.receive()
            first = _fields(message.data) if message.type is aiohttp.WSMsgType.TEXT else {}
            took = round(1000 * (time.monotonic() - began))
            if first.get("type") != "Begin":
                reason = first.get("error") or f"close code {socket.close_code}"
                return failed("stt", f"AssemblyAI did not begin a session ({reason}).", _stt_remedy(stt.model))
            await socket.send_json({"type": "Terminate"})
            await socket.close()
    except aiohttp.WSServerHandshakeError as error:
        if error.status in (401, 403):
            return failed(
                "stt",
                "AssemblyAI refused the key.",
                "Check ASSEMBLYAI_API_KEY, and that the account has a balance.",
            )
        return failed("stt", f"AssemblyAI answered with HTTP status {error.status}.", _stt_remedy(stt.model))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return unreachable(
            "stt",
            f"{stt.base_url} cannot be reached ({_reason(error, seconds)}).",
            "Check stt.base_url and the network.",
        )
    return fine("stt", f"{stt.base_url} began a session with {stt.model} after {took} ms; it cost about a second.")


async def check_llm(settings: Settings, seconds: float = SECONDS) -> Finding:
    """List the models, which needs a valid key and costs nothing."""
    llm = settings.llm
    if llm.plugin is not None:
        return skipped("llm", f"Not checked: {llm.plugin} is a plugin of your own choice.")
    return await _check_models("llm", llm.base_url, llm.model, llm.api_key, seconds, gateway=llm.provider == "gateway")


async def check_tts(settings: Settings, seconds: float = SECONDS) -> Finding:
    """List the models, which needs a valid key and costs nothing."""
    tts = settings.tts
    if tts.plugin is not None:
        return skipped("tts", f"Not checked: {tts.plugin} is a plugin of your own choice.")
    if tts.provider == "assemblyai":
        return skipped("tts", "Not checked: AssemblyAI lists no voices here; see whether it speaks.")
    return await _check_models("tts", tts.base_url, tts.model, tts.api_key, seconds)


async def _check_models(
    check: str, base_url: str, model: str, key: SecretStr | None, seconds: float, *, gateway: bool = False
) -> Finding:
    name = "ASSEMBLYAI_API_KEY" if gateway else "OPENAI_API_KEY"
    if not key:
        return skipped(check, f"Not checked: {name} is not set.")
    authorization = ("" if gateway else "Bearer ") + key.get_secret_value()
    began = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(proxy=proxy_for(base_url), timeout=timeout) as http,
            http.get(f"{base_url}/models", headers={"Authorization": authorization}) as answer,
        ):
            status = answer.status
            models = _fields(await answer.read()) if status == 200 else {}
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return unreachable(
            check,
            f"{base_url} cannot be reached ({_reason(error, seconds)}).",
            f"Check {check}.base_url and the network.",
        )
    took = round(1000 * (time.monotonic() - began))
    if status in (401, 403):
        return failed(check, f"{base_url} refused the key.", f"Check {name}.")
    if status != 200:
        return failed(check, f"{base_url} answered with HTTP status {status}.", f"Check {check}.base_url.")
    listed = models.get("data")
    if not isinstance(listed, list):
        return failed(check, f"{base_url} answered with something else than models.", f"Check {check}.base_url.")
    known = {str(entry.get("id")) for entry in listed if isinstance(entry, dict)}
    if known and model not in known:
        return failed(check, f"{base_url} has no model {model}.", f"Set {check}.model to one that it has.")
    return fine(check, f"{base_url} takes the key and has {model} ({took} ms).")


def _stt_remedy(model: str) -> str:
    return f"Check stt.base_url, and that the account may use {model}."


def _fields(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object in `text`, an empty one if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reason(error: BaseException, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {seconds:.0f} s"
    return getattr(error, "strerror", None) or type(error).__name__
