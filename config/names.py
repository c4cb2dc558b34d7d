"""Names of settings in the environment, and what a misspelled name probably meant."""

import re
from difflib import get_close_matches

from config.settings import KEYS

PREFIX = "VERBATIM_"

CONFIG_FILE = "VERBATIM_CONFIG"
"""Names the YAML file."""

PROFILE = "VERBATIM_PROFILE"
"""Names the profile."""

SHARED_NAMES: dict[str, tuple[str, ...]] = {
    "LIVEKIT_URL": ("livekit.url",),
    "LIVEKIT_API_KEY": ("livekit.api_key",),
    "LIVEKIT_API_SECRET": ("livekit.api_secret",),
    "ASSEMBLYAI_API_KEY": ("stt.api_key",),
    "OPENAI_API_KEY": ("llm.api_key", "tts.api_key"),
    "OPENAI_BASE_URL": ("llm.base_url", "tts.base_url"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("telemetry.otlp_endpoint",),
}
"""Variables that others' software reads too (LiveKit's, AssemblyAI's, OpenAI's, OpenTelemetry's), and the keys that
they fill."""


def own_name(key: str) -> str:
    """Return the environment variable that fills one key only: `stt.model` is VERBATIM_STT__MODEL."""
    return PREFIX + key.replace(".", "__").upper()


def usual_name(key: str) -> str:
    """Return the environment variable that documentation names first for a key."""
    return next((name for name, keys in SHARED_NAMES.items() if key in keys), own_name(key))


OWN_NAMES: dict[str, str] = {own_name(key): key for key in KEYS}
"""Key by its own environment variable."""

_SERVICE_LINK = re.compile(
    r"VERBATIM_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def is_service_link(name: str) -> bool:
    """Tell whether Kubernetes made a variable for a service whose name begins with "verbatim".

    Every pod beside such a service is given VERBATIM_SERVICE_HOST, VERBATIM_PORT_8081_TCP and the like
    (Kubernetes, "Discovering services: environment variables"); they are no settings.
    """
    return "__" not in name and _SERVICE_LINK.fullmatch(name) is not None


def suggestion(name: str, known: list[str]) -> str:
    """Return `; did you mean "…"?` for a misspelled name, or an empty text when nothing is near."""
    folded = {_fold(candidate): candidate for candidate in known}
    near = get_close_matches(_fold(name), folded, n=1, cutoff=0.75)
    return f'; did you mean "{folded[near[0]]}"?' if near else ""


def _fold(name: str) -> str:
    return name.lower().replace("__", "_").replace("-", "_").replace(".", "_")


def shown(name: object) -> str:
    """Return a name from outside as it may stand in a sentence: one line, not endless."""
    text = "".join(character if character.isprintable() else "?" for character in str(name))
    return text if len(text) <= 80 else text[:77] + "…"
