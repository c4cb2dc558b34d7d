"""The kinds of values that settings have, where pydantic has no type of that meaning.

A value that does not fit raises `PydanticCustomError`, whose message completes the sentence
"<key> …" and never repeats the value: what is misplaced may be a secret.
"""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, SecretStr, WithJsonSchema
from pydantic_core import PydanticCustomError


def wrong(message: str) -> PydanticCustomError:
    """Return the error for a value that does not fit.

    Args:
        message: The rest of a sentence that begins with the setting's key, without the full stop.
    """
    return PydanticCustomError("setting", "{message}", {"message": message})


WORDS = "must be"
"""Where a type's JSON schema says in words what it accepts."""


def described(words: str) -> WithJsonSchema:
    """Return an annotation that says what a value must be, for sentences and documentation.

    Args:
        words: The rest of a sentence that begins with "must be".
    """
    return WithJsonSchema({WORDS: words})


def _one_line(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().isprintable():
        raise wrong("contains a line break or a control character; copy the key again")
    return value


Secret = Annotated[
    SecretStr,
    Field(min_length=1),
    AfterValidator(_one_line),
    described("a key on one line"),
]
"""A key that is shown nowhere."""

MAY_BE_EMPTY = object()
"""Marks a text of which the empty one is a value of its own, and not the same as "not set"."""

Text = Annotated[str, Field(max_length=32_000), MAY_BE_EMPTY]
"""A text of any content. The limit keeps it below the 128 KiB that Linux allows an environment variable."""

Name = Annotated[str, Field(min_length=1, max_length=200), described("a name of at most 200 characters")]
"""A model's, a voice's or a profile's name, as its vendor writes it."""


def _url(value: str, schemes: tuple[str, ...]) -> str:
    written = " or ".join(f"{scheme}://" for scheme in schemes[:2])
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise wrong(f"is not an address; write {written}host:port") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise wrong(f"must begin with {written} and name a host")
    if parts.username is not None or parts.password is not None:
        raise wrong("must not contain a user name or a password; keys have settings of their own")
    if parts.query or parts.fragment:
        raise wrong("must end before '?' and '#'; keys have settings of their own")
    if port == 0 or any(character.isspace() or not character.isprintable() for character in value):
        raise wrong(f"is not an address; write {written}host:port")
    return value.rstrip("/")


LiveKitUrl = Annotated[
    str,
    AfterValidator(lambda url: _url(url, ("wss", "ws", "https", "http"))),
    described("an address that begins with wss://, ws://, https:// or http://"),
]
"""A LiveKit server's address."""

WebSocketUrl = Annotated[
    str,
    AfterValidator(lambda url: _url(url, ("wss", "ws"))),
    described("an address that begins with wss:// or ws://"),
]
"""The address of a service that is spoken to over a WebSocket."""

HttpUrl = Annotated[
    str,
    AfterValidator(lambda url: _url(url, ("https", "http"))),
    described("an address that begins with https:// or http://"),
]
"""The address of a service that is spoken to over HTTP."""


SpeechUrl = Annotated[
    str,
    AfterValidator(lambda url: _url(url, ("https", "wss", "http", "ws"))),
    described("an address that begins with https://, http://, wss:// or ws://"),
]
"""The address of a service that is spoken to over HTTP by one vendor and over a WebSocket by another."""


def _module_and_class(value: str) -> str:
    module, _, name = value.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise wrong("must be written package.module:Class")
    return value


ClassPath = Annotated[str, AfterValidator(_module_and_class), described("a class, written package.module:Class")]
"""A class that is imported by name, `package.module:Class`."""


def list_from_text(value: object) -> object:
    """Read a list from one text: a JSON array, or entries between commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise wrong('must be a list: entries between commas, or a JSON array ["…", "…"]') from None
    return [entry.strip() for entry in value.split(",") if entry.strip()]


Texts = Annotated[tuple[str, ...], BeforeValidator(list_from_text)]
"""A list of texts."""


def _model_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if not all(0 < len(name) <= 200 and name.isprintable() and "://" not in name for name in names):
        raise wrong("must hold names of models, each of at most 200 characters")
    return names


ModelNames = Annotated[Texts, AfterValidator(_model_names)]
"""Models in order, as their vendor writes them."""


def _mapping_from_text(value: object) -> object:
    """Read a mapping from one text, a JSON object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise wrong('must be a JSON object, {"name": value}') from None


Options = Annotated[
    dict[str, JsonValue],
    BeforeValidator(_mapping_from_text),
    described('a mapping of names to values, as text a JSON object, {"name": value}'),
]
"""Named arguments for a plugin."""


def _local_path(value: object) -> object:
    if isinstance(value, str) and (not value.strip() or not value.isprintable()):
        raise wrong("must be a path")
    if isinstance(value, str) and value.startswith("~"):
        raise wrong("must be written in full, for ~ is not replaced here")
    return value


LocalPath = Annotated[Path, BeforeValidator(_local_path), described("a path")]
"""A path on this machine; a relative one starts from the working directory."""

HIDDEN = "********"
"""What stands in place of a secret."""

_SECRET_WORDS = ("key", "secret", "token", "password", "credential", "credentials", "authorization")


def hide_secrets(value: Any) -> Any:
    """Return JSON data in which everything under a name that speaks of a secret is hidden.

    Args:
        value: JSON data of any depth, such as a plugin's options.
    """
    if isinstance(value, dict):
        return {
            name: HIDDEN if name.lower().endswith(_SECRET_WORDS) else hide_secrets(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [hide_secrets(inner) for inner in value]
    return value
