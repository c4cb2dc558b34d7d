"""Whatever stands in a file, the answer is settings or sentences, never a crash."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import SettingsError, load
from config.settings import KEYS

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner), max_leaves=6)

# The directory is the same for all examples; each writes its file anew.
same_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True)


def answers(directory: Path, overrides: dict[str, str] | None = None) -> tuple[str, ...]:
    """Return the sentences, or one for settings that are accepted; any other error passes through."""
    try:
        load(overrides=overrides, environ={}, directory=directory)
    except SettingsError as error:
        return error.sentences
    return ("Accepted.",)


def are_sentences(texts: tuple[str, ...]) -> bool:
    return bool(texts) and all(text.isprintable() and text.endswith((".", "?")) for text in texts)


@same_directory
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
@pytest.mark.parametrize("name", [".env", "verbatim.yaml"])
def test_any_content_of_a_file_is_answered(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    assert are_sentences(answers(tmp_path))


@same_directory
@given(key=st.sampled_from(list(KEYS)), value=VALUES)
def test_any_value_in_yaml_is_answered(tmp_path: Path, key: str, value: object) -> None:
    section, _, name = key.partition(".")
    (tmp_path / "verbatim.yaml").write_text(yaml.safe_dump({section: {name: value}}), encoding="utf-8")

    assert are_sentences(answers(tmp_path))


@same_directory
@given(key=st.sampled_from([key for key in KEYS if not KEYS[key].is_secret]), text=st.text(max_size=50))
def test_any_text_on_the_command_line_is_answered(tmp_path: Path, key: str, text: str) -> None:
    assert are_sentences(answers(tmp_path, {key: text}))
