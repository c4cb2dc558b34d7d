"""Whether keys look like keys: most mistakes are made while copying. Pure."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr

from config import Settings
from worker.doctor.findings import Finding, failed, fine, warning

PLACEHOLDER = re.compile(r"your[-_ ]|replace[-_ ]|change[-_ ]?me|x{6,}|<.*>|\.\.\.|…|secret[-_ ]here", re.IGNORECASE)
"""Marks of a placeholder, each too long to stand in a random key by chance."""

SHAPES = {
    # assemblyai.com, dashboard: 32 hexadecimal digits
    "stt.api_key": ("assemblyai.com", re.compile(r"[0-9a-f]{32}"), "ASSEMBLYAI_API_KEY"),
    # platform.openai.com, API keys: sk- and at least 20 more characters
    "llm.api_key": ("openai.com", re.compile(r"sk-[\w-]{20,}"), "OPENAI_API_KEY"),
    "tts.api_key": ("openai.com", re.compile(r"sk-[\w-]{20,}"), "OPENAI_API_KEY"),
}

SHORTEST_SECRET = 32
"""livekit-server logs an error for a shorter secret (config-sample.yaml, `keys`)."""


def check_keys(settings: Settings) -> list[Finding]:
    """Return a finding for each key that is missing, or looks wrong, or one that all look right."""
    found = list(dict.fromkeys(_look(settings)))  # LLM and TTS may share a key, and its fault
    return found or [fine("keys", "All keys are set and look like keys.")]


def _look(settings: Settings) -> Iterator[Finding]:
    livekit = settings.livekit
    yield from _set(livekit.url, "LIVEKIT_URL", "the address of your LiveKit server or project")
    yield from _key(livekit.api_key, "LIVEKIT_API_KEY", "your LiveKit server's configuration or project settings")
    yield from _key(livekit.api_secret, "LIVEKIT_API_SECRET", "where the LiveKit key is from")
    if livekit.api_secret and 0 < len(livekit.api_secret.get_secret_value()) < SHORTEST_SECRET:
        yield warning(
            "keys",
            f"LIVEKIT_API_SECRET has fewer than {SHORTEST_SECRET} characters, which livekit-server calls too short.",
            "Give the server a longer secret, and set it here too.",
        )
    sections = {"stt": settings.stt.base_url}
    # AssemblyAI's own services take the recogniser's key.
    if settings.llm.plugin is None and settings.llm.provider == "openai":
        sections["llm"] = settings.llm.base_url
    if settings.tts.plugin is None and settings.tts.provider == "openai":
        sections["tts"] = settings.tts.base_url
    for section, base_url in sections.items():
        domain, shape, name = SHAPES[f"{section}.api_key"]
        key: SecretStr | None = getattr(settings, section).api_key
        problems = list(_key(key, name, f"your account at {domain}"))
        yield from problems
        host = urlsplit(base_url).hostname or ""
        official = host == domain or host.endswith("." + domain)
        if key and not problems and official and not shape.fullmatch(key.get_secret_value()):
            yield warning(
                "keys",
                f"{name} does not look like a key of {domain}.",
                f"Copy it again from your account at {domain}.",
            )


def _set(value: object, name: str, source: str) -> Iterator[Finding]:
    if not value:
        yield failed("keys", f"{name} is not set.", f"Put {source} into .env or the environment.")


def _key(key: SecretStr | None, name: str, source: str) -> Iterator[Finding]:
    text = key.get_secret_value() if key else ""
    if not text:
        yield failed("keys", f"{name} is not set.", f"Copy it from {source} into .env or the environment.")
    elif PLACEHOLDER.search(text):
        yield failed("keys", f"{name} is still a placeholder.", f"Copy the key from {source}.")
    elif text != text.strip() or any(mark in text for mark in " \t\n'\""):
        yield failed("keys", f"{name} contains blanks or quotes.", "Copy it again, without them.")
