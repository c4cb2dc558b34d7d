"""Reads the settings from their sources, strongest first, and says everything that is wrong with them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.contradictions import find_contradictions
from config.derived import derived, without_openai
from config.errors import SettingsError
from config.loaded import Loaded
from config.names import CONFIG_FILE, PROFILE, shown, suggestion
from config.profiles import PROFILE_OF_COMMAND, PROFILES
from config.requirements import find_missing
from config.sentences import sentence
from config.settings import KEYS, Settings
from config.sources.command_line import from_command_line
from config.sources.environment import DotEnv, from_environment, read_dotenv
from config.sources.layer import Layer, Value
from config.sources.yaml_file import DEFAULT_NAME, read_yaml


def load(
    overrides: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    config_file: Path | str | None = None,
    profile: str | None = None,
    *,
    command: str | None = None,
    files: bool = True,
) -> Loaded:
    """Read the effective settings.

    Sources, strongest first: command line, environment, `.env`, the YAML file, the profile, what follows from
    other values, defaults.

    Args:
        overrides: Text by key from the command line.
        environ: Environment variables; the process's own when not given.
        directory: Where `.env` and `verbatim.yaml` are looked for and relative paths start; the working
            directory when not given.
        config_file: The YAML file; `VERBATIM_CONFIG` when not given, else `verbatim.yaml` if it is there.
        profile: Name of the profile; `VERBATIM_PROFILE` when not given, else the command's own.
        command: The command that is to run; it chooses the profile, and what it needs is checked too.
        files: Whether `.env` and YAML are read. A job's process gets all it needs by environment, and must
            not stumble over a file that was edited since the worker started.

    Raises:
        SettingsError: One sentence for each thing that is wrong, all of them at once.
    """
    environ = dict(os.environ if environ is None else environ)
    directory = Path(directory or Path.cwd()).absolute()
    dotenv = read_dotenv(directory) if files else DotEnv()
    variables = {name: text for source in (dotenv.variables, environ) for name, text in source.items() if text}

    chosen, profile_layer = _profile(profile or variables.get(PROFILE), command)
    layers = (
        from_command_line(overrides or {}),
        from_environment(environ),
        dotenv.layer,
        _yaml(config_file or variables.get(CONFIG_FILE), directory) if files else Layer(),
        profile_layer,
    )
    given = _strongest(without_openai(layers, _strongest(layers)))
    values = {**derived(given).values, **given}
    settings, sentences, wrong_keys = _validate(values)
    settings = settings.located(directory)
    sentences = [sentence for layer in layers for sentence in layer.sentences] + sentences
    sentences += find_contradictions(settings, chosen, wrong_keys)
    if command is not None:
        sentences += find_missing(settings, command, variables, wrong_keys)
    if sentences:
        raise SettingsError(sentences)
    origins = {key: value.origin for key, value in values.items()}
    return Loaded(settings, chosen, origins, dotenv.variables, environ)


def _profile(name: str | None, command: str | None) -> tuple[str, Layer]:
    chosen = name or PROFILE_OF_COMMAND.get(command or "", "production")
    if chosen not in PROFILES:
        known = ", ".join(PROFILES)
        hint = suggestion(chosen, list(PROFILES)) or f"; choose one of {known}."
        return "production", Layer(sentences=(f'There is no profile "{shown(chosen)}"{hint}',))
    origin = f"profile {chosen}"
    return chosen, Layer({key: Value(content, origin) for key, content in PROFILES[chosen].items()})


def _yaml(named: Path | str | None, directory: Path) -> Layer:
    if named is not None:
        return read_yaml(directory / named, shown(named))
    path = directory / DEFAULT_NAME
    return read_yaml(path, DEFAULT_NAME) if path.exists() else Layer()


def _strongest(layers: Sequence[Layer]) -> dict[str, Value]:
    merged: dict[str, Value] = {}
    for layer in reversed(layers):
        merged.update(layer.values)
    return merged


def _validate(values: Mapping[str, Value]) -> tuple[Settings, list[str], frozenset[str]]:
    """Return settings with refused values replaced by defaults, the sentences, and the refused keys."""
    try:
        return Settings.model_validate(_nested(values)), [], frozenset()
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    first = {f"{detail['loc'][0]}.{detail['loc'][1]}": detail for detail in reversed(found)}
    sentences = [sentence(first[key], values[key].origin) for key in KEYS if key in first]
    accepted = {key: value for key, value in values.items() if key not in first}
    return Settings.model_validate(_nested(accepted)), sentences, frozenset(first)


def _nested(values: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        # An empty text stands for "not set" where it means nothing of its own.
        empty = value.content == "" and not KEYS[key].may_be_empty and KEYS[key].default is None
        sections.setdefault(KEYS[key].section, {})[KEYS[key].name] = None if empty else value.content
    return sections
