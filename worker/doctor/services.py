"""Whether LLM and TTS open their doors to our keys, and have the models. Costs nothing."""

import time

import aiohttp
from pydantic import SecretStr

from config import Settings
from config.proxies import proxy_for
from worker.doctor.answers import fields_of, reason_of
from worker.doctor.findings import Finding, failed, fine, skipped, unreachable

SECONDS = 10.0
"""How long a service may take to answer."""


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
            models = fields_of(await answer.read()) if status == 200 else {}
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return unreachable(
            check,
            f"{base_url} cannot be reached ({reason_of(error, seconds)}).",
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
