"""Which options a speech recognition model has: contradictions in `stt` and `turns` that follow from the model.

Source: AssemblyAI streaming API v3, connection parameters and models; an option that a model does not have is ignored
by the service or refused in the call.
"""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from config.languages import NAMES
from config.regions import STREAMING, VENDOR
from config.settings import KEYS, Settings
from config.turn_presets import PRESETS, Family

UNIVERSAL_3_ONLY: Final = (
    "stt.language_codes",
    "stt.prompt",
    "stt.continuous_partials",
    "stt.interruption_delay",
    "stt.voice_focus",
    "stt.previous_context_turns",
    "stt.forward_chat_context",
)
"""Options that Universal-Streaming does not have."""

NEEDS: Final = {"stt.max_speakers": "stt.speaker_labels", "stt.voice_focus_threshold": "stt.voice_focus"}
"""Options that say something about another one."""

_SIX: Final = frozenset({"en", "es", "de", "fr", "it", "pt"})

LANGUAGES: Final = {
    "universal-streaming-english": frozenset({"en"}),
    "universal-streaming-multilingual": _SIX,
}
"""Languages of the models that have few (AssemblyAI, streaming: supported languages)."""

LANGUAGES_OF_DOMAIN: Final = {"medical-v1": frozenset({"en", "es", "de", "fr"})}
"""Languages of a domain (AssemblyAI, medical mode)."""

Check = Callable[[Settings, str], str | None]


def checks() -> Iterator[tuple[tuple[str, ...], Check]]:
    """Yield each check with the keys that it looks at."""
    for key in UNIVERSAL_3_ONLY:
        yield (key, "stt.model"), _universal_3_only(key)
    for key, other in NEEDS.items():
        yield (key, other), _needs(key, other)
    yield ("stt.end_of_turn_confidence", "stt.model"), _confidence
    yield ("stt.format_turns", "stt.model"), _formatting
    yield ("turns.preset", "stt.model"), _preset
    yield ("turns.preset", "stt.speaker_labels", "stt.model"), _mode_with_speakers
    yield ("agent.language", "stt.language_codes"), _codes_without_the_language
    yield ("agent.language", "stt.model"), _language_of_model
    yield ("agent.language", "stt.language_codes", "stt.domain"), _language_of_domain
    yield ("stt.base_url", "stt.region"), _region


def languages(settings: Settings) -> tuple[str, ...]:
    """Return the languages that the recogniser is to expect; none: it finds out."""
    if settings.stt.language_codes:
        return settings.stt.language_codes
    return (settings.agent.language,) if settings.agent.language else ()


def _universal_3_only(key: str) -> Check:
    def check(settings: Settings, _: str) -> str | None:
        if settings.stt.family == "universal-3" or settings.value(key) == KEYS[key].default:
            return None
        return (
            f"{key} works with Universal-3 models only, and stt.model is {settings.stt.model}; "
            f"remove it, or choose universal-3-5-pro."
        )

    return check


def _needs(key: str, other: str) -> Check:
    def check(settings: Settings, _: str) -> str | None:
        if settings.value(key) is None or settings.value(other):
            return None
        return f"{key} is given without {other}, to which it belongs; set that too or remove it."

    return check


def _confidence(settings: Settings, _: str) -> str | None:
    if settings.stt.family == "universal-streaming":
        return None
    if settings.stt.end_of_turn_confidence == KEYS["stt.end_of_turn_confidence"].default:
        return None
    return (
        f"stt.end_of_turn_confidence has no effect on {settings.stt.model}, which ends turns by punctuation; "
        "remove it, or choose universal-streaming-english."
    )


def _formatting(settings: Settings, _: str) -> str | None:
    if settings.stt.family == "universal-streaming" or settings.stt.format_turns:
        return None
    return (
        f"stt.format_turns cannot be switched off on {settings.stt.model}, which always formats; "
        "remove it, or choose universal-streaming-english."
    )


def _preset(settings: Settings, _: str) -> str | None:
    name, model = settings.turns.preset, settings.stt.model
    family: Family = settings.stt.family
    if name in PRESETS[family]:
        return None
    return f"turns.preset {name} is none for stt.model {model}; choose one of {', '.join(PRESETS[family])}."


def _mode_with_speakers(settings: Settings, _: str) -> str | None:
    preset = PRESETS[settings.stt.family].get(settings.turns.preset)
    if preset is None or not preset.is_mode or not settings.stt.speaker_labels:
        return None
    return (
        f"turns.preset {settings.turns.preset} is a mode that AssemblyAI replaces by another where stt.speaker_labels "
        "is set; remove one of them, or choose turns.preset speakers or fast."
    )


def _codes_without_the_language(settings: Settings, _: str) -> str | None:
    language, codes = settings.agent.language, settings.stt.language_codes
    if not language or not codes or language in codes:
        return None
    return f"agent.language is {language}, which stt.language_codes leaves out; add it there, or remove them."


def _language_of_model(settings: Settings, _: str) -> str | None:
    language, model = settings.agent.language, settings.stt.model
    if not language or language in LANGUAGES.get(model, NAMES):
        return None
    return f"agent.language is {language}, which {model} does not know; choose universal-3-5-pro as stt.model."


def _language_of_domain(settings: Settings, _: str) -> str | None:
    domain = settings.stt.domain
    if domain is None:
        return None
    foreign = sorted(set(languages(settings)) - LANGUAGES_OF_DOMAIN[domain])
    if not foreign:
        return None
    known = ", ".join(sorted(LANGUAGES_OF_DOMAIN[domain]))
    return f"stt.domain {domain} knows the languages {known} and not {', '.join(foreign)}; remove one or the other."


def _region(settings: Settings, _: str) -> str | None:
    url, region = settings.stt.base_url, settings.stt.region
    host = urlsplit(url).hostname or ""
    if not (host == VENDOR or host.endswith(f".{VENDOR}")) or url == STREAMING[region]:
        return None
    if region == "edge":  # an address of the vendor's given by itself, as before there were regions
        return None
    return f"stt.region is {region}, and stt.base_url is an address of another region; remove stt.base_url."
