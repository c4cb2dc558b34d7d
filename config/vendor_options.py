"""Contradictions that follow from who answers and who speaks: `llm.provider` and `tts.provider`."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from config.model_options import Check
from config.regions import GATEWAY, SYNTHESIS, VENDOR
from config.settings import KEYS, Settings

UNVERSIONED: Final = re.compile(r"claude-(opus|sonnet|haiku)(-[1-4])?|.*-latest")
"""Names that AssemblyAI's gateway does not know: its names hold the whole version (LLM Gateway, available models)."""

IN_THE_EU: Final = ("claude-", "gemini-")
"""Beginnings of the gateway's models that run in the EU (AssemblyAI, cloud endpoints and data residency)."""

ONLY_OPENAI: Final = ("tts.speed", "tts.response_format")
"""What AssemblyAI's voices are not told (its streaming text to speech, connection parameters)."""


def checks() -> Iterator[tuple[tuple[str, ...], Check]]:
    """Yield each check with the keys that it looks at."""
    yield ("llm.provider", "llm.model", "llm.fallback_models"), _unversioned
    yield ("llm.provider", "llm.model", "llm.fallback_models", "stt.region"), _outside_the_eu
    for section in ("llm", "tts"):
        keys = ("provider", "fallback_base_url", "fallback_api_key")
        yield tuple(f"{section}.{key}" for key in keys), _fallbacks_elsewhere(section)
    for section, addresses in (("llm", GATEWAY), ("tts", SYNTHESIS)):
        yield (f"{section}.provider", f"{section}.base_url", "stt.region"), _other_address(section, addresses)
    yield ("tts.provider", "tts.base_url"), _scheme_of_the_voice
    for key in ONLY_OPENAI:
        yield ("tts.provider", key), _only_openai(key)


def _of_the_gateway(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the models that the gateway is asked for, by the setting that names them."""
    llm = settings.llm
    if llm.provider != "gateway":
        return {}
    return {"llm.model": (llm.model,), "llm.fallback_models": () if llm.fallback_base_url else llm.fallback_models}


def _unversioned(settings: Settings, _: str) -> str | None:
    for key, models in _of_the_gateway(settings).items():
        for model in filter(UNVERSIONED.fullmatch, models):
            return (
                f"{key} {model} is no name of AssemblyAI's gateway, which takes whole versions such as "
                "claude-sonnet-4-6; write one from its list."
            )
    return None


def _outside_the_eu(settings: Settings, _: str) -> str | None:
    if settings.stt.region != "eu":
        return None
    for key, models in _of_the_gateway(settings).items():
        for model in (each for each in models if not each.startswith(IN_THE_EU)):
            return (
                f"{key} {model} does not run in the EU, and stt.region is eu; "
                "choose a Claude or Gemini model, or another region."
            )
    return None


def _fallbacks_elsewhere(section: str) -> Check:
    """AssemblyAI's key must reach nobody else."""

    def check(settings: Settings, _: str) -> str | None:
        own = settings.llm if section == "llm" else settings.tts
        if own.provider == "openai" or own.fallback_base_url is None or own.fallback_api_key is not None:
            return None
        return (
            f"{section}.fallback_base_url is given without {section}.fallback_api_key, so that AssemblyAI's key would "
            "go there; set that too."
        )

    return check


def _other_address(section: str, addresses: dict[str, str]) -> Check:
    def check(settings: Settings, _: str) -> str | None:
        if settings.value(f"{section}.provider") == "openai" or settings.value(f"{section}.plugin"):
            return None
        url = settings.value(f"{section}.base_url")
        if url == addresses[settings.stt.region]:
            return None
        host = urlsplit(url).hostname or ""
        if host == VENDOR or host.endswith(f".{VENDOR}"):
            return (
                f"stt.region is {settings.stt.region}, and {section}.base_url is an address of another region; "
                f"remove {section}.base_url, or set stt.region to the same."
            )
        if host == "openai.com" or host.endswith(".openai.com"):
            return f"{section}.base_url is OpenAI's and {section}.provider is not; remove one of them."
        return None

    return check


def _scheme_of_the_voice(settings: Settings, _: str) -> str | None:
    tts = settings.tts
    right = ("https://", "http://") if tts.provider == "openai" else ("wss://", "ws://")
    if tts.base_url.startswith(right):
        return None
    return f"tts.base_url must begin with {right[0]} or {right[1]} when tts.provider is {tts.provider}; correct it."


def _only_openai(key: str) -> Check:
    def check(settings: Settings, _: str) -> str | None:
        if settings.tts.provider == "openai" or settings.value(key) == KEYS[key].default:
            return None
        return f"{key} is not used when tts.provider is {settings.tts.provider}; remove it."

    return check
