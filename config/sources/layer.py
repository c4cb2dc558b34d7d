"""What a source gives: values by key, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.names import OWN_NAMES, SHARED_NAMES
from config.settings import KEYS


@dataclass(frozen=True, slots=True)
class Value:
    """One value, not validated yet.

    Attributes:
        content: A text, or what YAML made of one.
        origin: Where it comes from, as shown to people: `environment LIVEKIT_URL`, `verbatim.yaml line 3`.
        for_openai: Whether it stands under a name of OpenAI's own software, and so is meant for nobody else.
    """

    content: object
    origin: str
    for_openai: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """The values of one source.

    Attributes:
        values: Values by key.
        sentences: What is wrong with the source, such as unknown keys in it.
    """

    values: dict[str, Value] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


def from_variables(variables: Mapping[str, str], origins: Mapping[str, str]) -> dict[str, Value]:
    """Return the values that environment variables set.

    An empty variable counts as not set, as composed deployments often pass them, except where an empty
    text means something. A setting's own variable wins over one that it shares with others.

    Args:
        variables: Value by variable name.
        origins: Origin by variable name.
    """
    values: dict[str, Value] = {}
    for name, keys in SHARED_NAMES.items():
        for key in keys:
            if variables.get(name):
                values[key] = Value(variables[name], origins[name], name.startswith("OPENAI_"))
    for name, key in OWN_NAMES.items():
        if name in variables and (variables[name] or KEYS[key].may_be_empty):
            values[key] = Value(variables[name], origins[name])
    return values
