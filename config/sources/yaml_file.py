"""The YAML file."""

from pathlib import Path

import yaml

from config.names import shown, suggestion
from config.settings import KEYS, Settings
from config.sources.layer import Layer, Value

DEFAULT_NAME = "verbatim.yaml"

LARGEST = 1024 * 1024
"""Bytes; more is no settings file."""


def read_yaml(path: Path, shown_as: str) -> Layer:
    """Read a YAML file of sections with keys.

    A key or section without a value counts as not set.

    Args:
        path: The file.
        shown_as: What it is called in origins and sentences.
    """
    try:
        if path.stat().st_size > LARGEST:
            return Layer(sentences=(f"{shown_as} is larger than a settings file can be; name another file.",))
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return Layer(sentences=(f"{shown_as} is not UTF-8 text; save it again as UTF-8.",))
    except OSError as error:
        return Layer(sentences=(f"{shown_as} cannot be read ({error.strerror}); name a readable file.",))
    try:
        return _Reader(text, shown_as).layer()
    except yaml.MarkedYAMLError as error:
        # The parser's own words are left out: they may quote a secret.
        mark = error.problem_mark or error.context_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return Layer(sentences=(f"{shown_as} is not valid YAML{place}; check indentation, colons and quotes.",))
    except (yaml.YAMLError, RecursionError, ValueError):
        return Layer(sentences=(f"{shown_as} is not valid YAML; check it for strange characters and values.",))


class _Reader:
    """Turns the nodes of a YAML document into values that know their line."""

    def __init__(self, text: str, shown_as: str) -> None:
        self._text = text
        self._shown_as = shown_as
        self._values: dict[str, Value] = {}
        self._sentences: list[str] = []

    def layer(self) -> Layer:
        loader = yaml.SafeLoader(self._text)
        try:
            root = loader.get_single_node()
            if root is not None and not _is_null(root):
                self._read(loader, root)
        finally:
            loader.dispose()
        return Layer(self._values, tuple(self._sentences))

    def _read(self, loader: yaml.SafeLoader, root: yaml.Node) -> None:
        for section_node, keys_node in self._entries(root, "the file"):
            section = section_node.value
            if section not in Settings.model_fields:
                self._refuse(section_node, str(section), [*Settings.model_fields, *KEYS])
            elif not _is_null(keys_node):
                for key_node, value_node in self._entries(keys_node, f'section "{section}"'):
                    self._take(loader, f"{section}.{key_node.value}", key_node, value_node)

    def _take(self, loader: yaml.SafeLoader, key: str, key_node: yaml.Node, value_node: yaml.Node) -> None:
        origin = f"{self._shown_as} line {key_node.start_mark.line + 1}"
        if key not in KEYS:
            self._refuse(key_node, key, list(KEYS))
        elif key in self._values:
            self._sentences.append(f"{key} is set twice, in {self._values[key].origin} and again in {origin}.")
        elif not _is_null(value_node):
            self._values[key] = Value(loader.construct_object(value_node, deep=True), origin)

    def _entries(self, node: yaml.Node, what: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._sentences.append(
                f"{self._shown_as} line {node.start_mark.line + 1}: {what} must consist of lines "
                f'"name: value", indented under its heading.'
            )
            return []
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._sentences.append(
                    f"{self._shown_as} line {key.start_mark.line + 1}: a name must be a single word."
                )
        return [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]

    def _refuse(self, node: yaml.Node, key: str, known: list[str]) -> None:
        section, _, name = key.partition(".")
        nested = f'; write "{section}:" and below it, indented, "{name}: …".'
        hint = nested if key in KEYS else suggestion(key, known) or "; remove it."
        self._sentences.append(f'"{shown(key)}" ({self._shown_as} line {node.start_mark.line + 1}) is no setting{hint}')


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
