"""Values given on the command line."""

from collections.abc import Mapping

from config.names import shown, suggestion, usual_name
from config.settings import KEYS
from config.sources.layer import Layer, Value

ORIGIN = "command line"


def from_command_line(overrides: Mapping[str, str]) -> Layer:
    """Read `key=value` pairs.

    Args:
        overrides: Text by key, such as `{"stt.model": "u3-rt-pro"}`.
    """
    values = {key: Value(text, ORIGIN) for key, text in overrides.items() if _may_stand_here(key)}
    return Layer(values, tuple(_refusal(key) for key in overrides if not _may_stand_here(key)))


def _may_stand_here(key: str) -> bool:
    return key in KEYS and not KEYS[key].is_secret


def _refusal(key: str) -> str:
    if key in KEYS:
        return (
            f"{key} must not be given on the command line, where every user of the machine can read it; "
            f"put {usual_name(key)} into .env or the environment."
        )
    return f'"{shown(key)}" (command line) is no setting{suggestion(key, list(KEYS)) or "; remove it."}'
