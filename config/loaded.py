"""Settings that know where each value came from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from config.errors import SettingsError
from config.names import PREFIX, PROFILE, SHARED_NAMES, own_name
from config.requirements import find_missing
from config.settings import KEYS, Settings
from config.table import as_data, in_words

DEFAULT = "default"
"""The origin of a value that nothing sets."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of effective settings.

    Attributes:
        key: `stt.model`.
        value: The value as text, a secret hidden; `not set` where there is none.
        source: Where it comes from.
    """

    key: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings.

    Attributes:
        settings: The values, paths absolute.
        profile: Name of the profile in force.
    """

    settings: Settings
    profile: str
    _origins: Mapping[str, str] = field(repr=False)
    _dotenv: Mapping[str, str] = field(repr=False)
    _environ: Mapping[str, str] = field(repr=False)

    def source_of(self, key: str) -> str:
        """Return where a key's value comes from, such as `environment LIVEKIT_URL` or `default`.

        Raises:
            KeyError: There is no such key.
        """
        return self._origins.get(KEYS[key].path, DEFAULT)

    def rows(self) -> tuple[Row, ...]:
        """Return every setting with its value, secrets hidden, and its source."""
        return tuple(Row(key, in_words(self.settings.value(key)), self.source_of(key)) for key in KEYS)

    def as_data(self) -> dict[str, Any]:
        """Return profile, digest, and value and source by key, as JSON data with secrets hidden."""
        return {
            "profile": self.profile,
            "digest": self.digest(),
            "settings": {
                key: {"value": as_data(self.settings.value(key)), "source": self.source_of(key)} for key in KEYS
            },
        }

    def digest(self) -> str:
        """Return 16 hexadecimal digits that change when a setting changes, secrets aside."""
        public = {
            key: as_data(self.settings.value(key)) for key, definition in KEYS.items() if not definition.is_secret
        }
        text = json.dumps(public, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def environment(self) -> dict[str, str]:
        """Return environment variables from which `load(files=False)` makes equal settings.

        They are for processes that the worker starts, and contain the secrets. Variables of other software
        that stand in `.env`, such as a plugin's API key, are among them where the environment has none.
        """
        others = {
            name: text
            for name, text in self._dotenv.items()
            if not name.startswith(PREFIX) and not self._environ.get(name)
        }
        own = {own_name(key): as_text(self.settings.value(key)) for key in KEYS}
        shared = {name: as_text(self.settings.value(keys[0])) for name, keys in SHARED_NAMES.items() if len(keys) == 1}
        return {**others, **shared, **own, PROFILE: self.profile}

    def require_for(self, command: str) -> None:
        """Check that a command has what it cannot work without.

        Args:
            command: Name of the command: `start`, `dev` and `token` need keys, `config`, `demo` and
                `doctor` need none.

        Raises:
            SettingsError: Keys are missing, or LiveKit's own variables rename the agent.
        """
        missing = find_missing(self.settings, command, {**self._dotenv, **self._environ})
        if missing:
            raise SettingsError(missing)


def as_text(value: object) -> str:
    """Return a value as it stands in an environment variable, secrets included; nothing is an empty text."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, (str, Path)):
        return str(value)
    return json.dumps(value)
