"""What a command cannot work without."""

from collections.abc import Mapping

from config.names import usual_name
from config.settings import Settings

LIVEKIT_KEYS = ("livekit.url", "livekit.api_key", "livekit.api_secret")

_SOURCE_OF_KEY = {
    "livekit.url": "the address of your LiveKit server or LiveKit Cloud project",
    "livekit.api_key": "the API key of your LiveKit server or project",
    "livekit.api_secret": "the secret that belongs to the LiveKit API key",
    "stt.api_key": "the API key of your AssemblyAI account",
    "llm.api_key": "the API key of your OpenAI account",
    "tts.api_key": "the API key of your OpenAI account",
}

SDK_NAMES = ("LIVEKIT_AGENT_NAME", "LIVEKIT_AGENT_NAME_OVERRIDE")
"""Variables with which LiveKit's SDK changes the name of an agent (livekit-agents, `rtc_session`)."""

ON_LIVEKIT_CLOUD = "LIVEKIT_REMOTE_EOT_URL"
"""The variable by which LiveKit's SDK knows that LiveKit Cloud hosts the agent (livekit-agents, `utils.is_hosted`)."""

WORKERS = ("start", "dev")
"""Commands that take calls."""

LIVEKIT_CLIENTS = ("token", "dispatch", "watch")
"""Commands that only speak with the LiveKit server."""


def find_missing(
    settings: Settings, command: str, variables: Mapping[str, str], wrong_keys: frozenset[str] = frozenset()
) -> list[str]:
    """Return one sentence for each thing that a command needs and does not have.

    Args:
        settings: Valid settings.
        command: Name of the command, `start`.
        variables: Variables of the environment and `.env`, for those that only LiveKit's SDK reads.
        wrong_keys: Keys whose given value was refused: they are not missing.
    """
    if command in WORKERS:
        missing = _without_value(settings, _keys_of_a_worker(settings), wrong_keys)
        return [
            *missing,
            *_renamed_agent(settings, variables, wrong_keys),
            *_stored_on_passing_disk(settings, variables, wrong_keys),
        ]
    if command in LIVEKIT_CLIENTS:
        return _without_value(settings, LIVEKIT_KEYS, wrong_keys)
    return []


def _keys_of_a_worker(settings: Settings) -> tuple[str, ...]:
    # AssemblyAI's own services take the key that the recogniser needs anyway.
    providers = []
    if settings.llm.plugin is None and settings.llm.provider == "openai":
        providers.append("llm.api_key")
    if settings.tts.plugin is None and settings.tts.provider == "openai":
        providers.append("tts.api_key")
    return (*LIVEKIT_KEYS, "stt.api_key", *providers)


def _without_value(settings: Settings, keys: tuple[str, ...], wrong_keys: frozenset[str]) -> list[str]:
    missing = [key for key in keys if settings.value(key) is None and key not in wrong_keys]
    names = {usual_name(key): _SOURCE_OF_KEY[key] for key in missing}
    return [f"{name} is not set; put {source} into .env or the environment." for name, source in names.items()]


def _renamed_agent(settings: Settings, variables: Mapping[str, str], wrong_keys: frozenset[str]) -> list[str]:
    if wrong_keys & {"agent.name", "agent.dispatch"}:
        return []
    sentences = []
    for name in SDK_NAMES:
        given = variables.get(name, "")
        if given and settings.agent.dispatch == "every_room":
            sentences.append(
                f"{name} is set, which would stop the agent from joining every room; "
                "remove the variable, or set agent.dispatch to named."
            )
        elif given and given != settings.agent.name:
            sentences.append(
                f"{name} differs from agent.name ({settings.agent.name}) and would change who is dispatched; "
                "remove the variable, or set agent.name (VERBATIM_AGENT__NAME) to the same name."
            )
    return sentences


def _stored_on_passing_disk(settings: Settings, variables: Mapping[str, str], wrong_keys: frozenset[str]) -> list[str]:
    if ON_LIVEKIT_CLOUD not in variables or "storage.url" in wrong_keys or settings.storage.directory is None:
        return []
    return [
        "storage.url is a directory, and LiveKit Cloud throws an agent's disk away with its container; set "
        "VERBATIM_STORAGE__URL to a bucket (s3://, gs:// or az://)."
    ]
