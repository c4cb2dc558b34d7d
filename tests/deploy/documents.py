"""What stands in `deploy/`, read as the platforms read it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"

KEYS = {
    "LIVEKIT_API_KEY": "key-of-livekit",
    "LIVEKIT_API_SECRET": "secret-of-livekit-in-32-characters",
    "ASSEMBLYAI_API_KEY": "key-of-assemblyai",
    "OPENAI_API_KEY": "key-of-openai",
}
"""What an operator fills in for a worker."""


def documents(path: Path) -> list[dict[str, Any]]:
    """All documents of a YAML file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Replace `${NAME:-default}` and `${NAME:?what to do}` as Compose does.

    Raises:
        KeyError: a variable without a default is not set.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        return variables[name] if default is None else variables.get(name) or default

    return re.sub(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]+)\}", value, text)


def unit(path: Path) -> dict[str, list[str]]:
    """The settings of a systemd unit, each with its values in their order."""
    settings: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line and line[0] not in "#[":
            name, value = line.split("=", 1)
            settings.setdefault(name, []).append(value)
    return settings
