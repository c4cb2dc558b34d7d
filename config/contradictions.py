"""Pairs of settings that cannot both be meant."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from config import model_options, vendor_options
from config.grace import shortfall
from config.proxies import is_loopback
from config.settings import KEYS, Settings
from config.spoken_lines import NAMES, lines_in


@dataclass(frozen=True, slots=True)
class Rule:
    """One check across settings.

    Attributes:
        keys: The settings that it looks at; it is left out when one of them is itself wrong.
        check: Returns a sentence with the remedy, or None. Takes the settings and the profile's name.
    """

    keys: tuple[str, ...]
    check: Callable[[Settings, str], str | None]


def find_contradictions(settings: Settings, profile: str, wrong_keys: frozenset[str]) -> list[str]:
    """Return one sentence for each contradiction.

    Args:
        settings: Valid settings.
        profile: Name of the profile in force.
        wrong_keys: Keys whose given value was refused and replaced by the default.
    """
    found = (rule.check(settings, profile) for rule in RULES if not wrong_keys.intersection(rule.keys))
    return [sentence for sentence in found if sentence]


def _silence_bounds(settings: Settings, _: str) -> str | None:
    low, high = settings.turns.min_turn_silence, settings.turns.max_turn_silence
    if low <= high:
        return None
    return (
        f"turns.min_turn_silence ({low} ms) is longer than turns.max_turn_silence ({high} ms); "
        "lower the first or raise the second."
    )


def _dictation_bounds(settings: Settings, _: str) -> str | None:
    low, high = settings.turns.dictation_min_turn_silence, settings.turns.dictation_max_turn_silence
    if low <= high:
        return None
    return (
        f"turns.dictation_min_turn_silence ({low} ms) is longer than turns.dictation_max_turn_silence ({high} ms); "
        "lower the first or raise the second."
    )


def _production_project(settings: Settings, profile: str) -> str | None:
    url, project = settings.livekit.url, settings.livekit.project
    if profile != "development" or url is None:
        return None
    if project == "production":
        return (
            "livekit.project says that livekit.url is a production project, and the development profile is "
            "in force; use a project of its own for development, so that no real caller meets it."
        )
    if project == "unstated" and settings.livekit.is_cloud:
        return (
            "livekit.url is a LiveKit Cloud project, and the development profile would answer every room of "
            "it; set livekit.project (VERBATIM_LIVEKIT__PROJECT) to development if no real callers come "
            "there, or use the production profile."
        )
    return None


def _watch_on_cloud(settings: Settings, _: str) -> str | None:
    if not (settings.fleet.watch and settings.livekit.is_cloud):
        return None
    return (
        "fleet.watch is on, and livekit.url is a LiveKit Cloud project, which sends agents again by itself; "
        "remove fleet.watch."
    )


def _session_host(settings: Settings, profile: str) -> str | None:
    if profile == "development" or not settings.agent.session_host:
        return None
    return (
        "agent.session_host would let every participant read the system prompt and the conversation, and the "
        f"profile is {profile}; remove it, or use the development profile."
    )


def _headers_of_nobody(settings: Settings, _: str) -> str | None:
    if set(settings.agent.mcp_headers) <= set(settings.agent.mcp_servers):
        return None
    return "agent.mcp_headers has an address that agent.mcp_servers does not have; write both the same way."


def _options_without_plugin(section: str) -> Rule:
    def check(settings: Settings, _: str) -> str | None:
        if not settings.value(f"{section}.options") or settings.value(f"{section}.plugin"):
            return None
        return f"{section}.options are given but no {section}.plugin takes them; name the plugin or remove them."

    return Rule((f"{section}.options", f"{section}.plugin"), check)


def _beside_plugin(key: str) -> Rule:
    section = key.partition(".")[0]
    plugin = f"{section}.plugin"

    def check(settings: Settings, _: str) -> str | None:
        if settings.value(plugin) is None or settings.value(key) == KEYS[key].default:
            return None
        return (
            f"{key} is not used when {plugin} is set; "
            f"move it to {section}.options, under the name that the plugin gives it."
        )

    return Rule((key, plugin), check)


def _memory(settings: Settings, _: str) -> str | None:
    warn, limit = settings.fleet.job_memory_warn_mb, settings.fleet.job_memory_limit_mb
    if not limit or warn < limit:
        return None
    return (
        f"fleet.job_memory_warn_mb ({warn}) is not below fleet.job_memory_limit_mb ({limit}), so that nobody "
        "would be warned; lower the first or raise the second."
    )


def _grace(settings: Settings, _: str) -> str | None:
    return shortfall(settings.fleet)


def _one_directory_for_two(settings: Settings, _: str) -> str | None:
    if settings.storage.directory != settings.storage.journal_dir:
        return None
    return "storage.url and storage.journal_dir name the same directory; give the journals one of their own."


def _only_for_buckets(key: str, schemes: tuple[str, ...]) -> Rule:
    def check(settings: Settings, _: str) -> str | None:
        bucket = settings.storage.bucket
        if not settings.value(key) or (bucket is not None and bucket.scheme in schemes):
            return None
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        return f"{key} is given, and storage.url does not begin with {known}; remove the first or correct the second."

    return Rule((key, "storage.url"), check)


def _storage_without_tls(settings: Settings, _: str) -> str | None:
    url = urlsplit(settings.storage.endpoint or "")
    if url.scheme != "http" or settings.storage.allow_http or is_loopback(url.hostname or ""):
        return None
    return (
        "storage.endpoint begins with http://, so that everyone on the way could read the transcripts; "
        "write https://, or set storage.allow_http where that is meant."
    )


def _spoken_lines(settings: Settings, _: str) -> str | None:
    try:
        lines_in(settings.agent.language, settings.agent.spoken_lines)
    except KeyError as missing:
        return (
            f"agent.language is {settings.agent.language}, for which the worker brings no lines of its own, and "
            f"agent.spoken_lines has none for {missing.args[0]}; write all of {', '.join(NAMES)} there, so that "
            "a caller is never left in silence."
        )
    return None


RULES: tuple[Rule, ...] = (
    Rule(("agent.language", "agent.spoken_lines"), _spoken_lines),
    Rule(("livekit.url", "livekit.project"), _production_project),
    Rule(("fleet.watch", "livekit.url"), _watch_on_cloud),
    Rule(("agent.session_host",), _session_host),
    Rule(("agent.mcp_headers", "agent.mcp_servers"), _headers_of_nobody),
    *(Rule(keys, check) for keys, check in model_options.checks()),
    Rule(("turns.min_turn_silence", "turns.max_turn_silence", "turns.preset"), _silence_bounds),
    Rule(("turns.dictation_min_turn_silence", "turns.dictation_max_turn_silence"), _dictation_bounds),
    _options_without_plugin("llm"),
    _beside_plugin("llm.provider"),
    _beside_plugin("llm.model"),
    _beside_plugin("llm.temperature"),
    _options_without_plugin("tts"),
    _beside_plugin("tts.provider"),
    _beside_plugin("tts.model"),
    _beside_plugin("tts.voice"),
    _beside_plugin("tts.speed"),
    _beside_plugin("tts.response_format"),
    *(Rule(keys, check) for keys, check in vendor_options.checks()),
    Rule(("storage.url", "storage.journal_dir"), _one_directory_for_two),
    _only_for_buckets("storage.endpoint", ("s3", "gs", "az")),
    _only_for_buckets("storage.region", ("s3",)),
    Rule(("storage.endpoint", "storage.allow_http"), _storage_without_tls),
    Rule(("fleet.job_memory_warn_mb", "fleet.job_memory_limit_mb"), _memory),
    Rule(
        (
            "fleet.grace_period",
            "fleet.drain_timeout",
            "fleet.handover_timeout",
            "fleet.session_end_timeout",
            "fleet.shutdown_process_timeout",
        ),
        _grace,
    ),
)
"""Every contradiction that is looked for."""
