"""One setting's value as people and programs read it: secrets hidden."""

from typing import Any

from pydantic import SecretStr

from config.values import HIDDEN, hide_secrets

NOT_SET = "not set"


def as_data(value: Any) -> Any:
    """Return a value as JSON data, secrets hidden.

    Args:
        value: What `Settings.value` returns.
    """
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, dict):
        return hide_secrets(value)
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def in_words(value: Any) -> str:
    """Return a value as text on the screen, secrets hidden.

    Args:
        value: What `Settings.value` returns.
    """
    data = as_data(value)
    if data is None:
        return NOT_SET
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, list):
        return ", ".join(data) or "none"
    if isinstance(data, dict):
        return ", ".join(f"{name}: {inner}" for name, inner in data.items()) or "none"
    return f"{data:g}" if isinstance(data, float) else str(data)
