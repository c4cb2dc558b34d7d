"""Environment variables, of the process and of the `.env` file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import parse_stream

from config.names import CONFIG_FILE, OWN_NAMES, PREFIX, PROFILE, is_service_link, shown, suggestion
from config.sources.layer import Layer, from_variables

DOTENV = ".env"


def from_environment(environ: Mapping[str, str]) -> Layer:
    """Read the variables of the process.

    Args:
        environ: Value by name.
    """
    origins = {name: f"environment {name}" for name in environ}
    return Layer(from_variables(environ, origins), _unknown(dict.fromkeys(environ, "environment")))


@dataclass(frozen=True, slots=True)
class DotEnv:
    """The content of a `.env` file.

    Attributes:
        layer: The settings in it.
        variables: Every variable in it, those of other software included.
    """

    layer: Layer = field(default_factory=Layer)
    variables: Mapping[str, str] = field(default_factory=dict)


def read_dotenv(directory: Path) -> DotEnv:
    """Read `.env` in a directory, as python-dotenv understands it but without filling in `${…}`.

    A file that is not there is no mistake.

    Args:
        directory: Where the file is looked for.
    """
    path = directory / DOTENV
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except FileNotFoundError:
        return DotEnv()
    except UnicodeDecodeError:
        return DotEnv(Layer(sentences=(f"{DOTENV} is not UTF-8 text; save it again as UTF-8.",)))
    except OSError as error:
        return DotEnv(Layer(sentences=(f"{DOTENV} cannot be read ({error.strerror}); make it a readable file.",)))
    variables: dict[str, str] = {}
    places: dict[str, str] = {}
    sentences: list[str] = []
    for binding in bindings:
        # A binding begins with the blank lines before it.
        text = binding.original.string
        line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
        if binding.error or (binding.value is None and (binding.key or "").startswith(PREFIX)):
            sentences.append(f"{DOTENV} line {line} is not NAME=value; correct it or begin it with #.")
        elif binding.key is not None and binding.value is not None:
            variables[binding.key] = binding.value
            places[binding.key] = f"{DOTENV} line {line}"
    origins = {name: f"{place}, {name}" for name, place in places.items()}
    sentences.extend(_unknown(places))
    return DotEnv(Layer(from_variables(variables, origins), tuple(sentences)), variables)


def _unknown(places: Mapping[str, str]) -> tuple[str, ...]:
    """Return one sentence for each variable by its place that looks like a setting and is none."""
    known = [*OWN_NAMES, CONFIG_FILE, PROFILE]
    return tuple(
        f"{shown(name)} ({places[name]}) is no setting{suggestion(name, known) or '; remove it.'}"
        for name in sorted(places)
        if name.startswith(PREFIX) and name not in known and not is_service_link(name)
    )
