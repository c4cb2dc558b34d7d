"""What people read about the settings agrees with the settings."""

import io
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from config import load
from config.documents import REQUIRED, environment_example, settings_reference
from config.names import SHARED_NAMES, own_name
from config.platforms import stopping_reference
from config.profiles import PROFILES
from config.settings import KEYS, Settings

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        (".env.example", environment_example),
        ("docs/reference/settings.md", settings_reference),
        ("docs/reference/stopping.md", stopping_reference),
    ],
)
def test_the_document_is_current(name: str, made: object) -> None:
    assert (PROJECT / name).read_text(encoding="utf-8") == made(), "run `python -m config.documents`"  # type: ignore[operator]


def test_the_example_begins_with_what_is_required_and_sets_nothing_else() -> None:
    assert dotenv_values(stream=io.StringIO(environment_example())) == dict.fromkeys(REQUIRED, "")


def test_the_example_with_every_comment_sign_removed_gives_the_defaults(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=[A-Z_]+=)", "", environment_example(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(text, encoding="utf-8")

    loaded = load(environ={}, directory=tmp_path)

    assert loaded.settings == Settings().located(tmp_path)


@pytest.mark.parametrize("key", list(KEYS))
def test_every_setting_is_explained_in_both_documents(key: str) -> None:
    example, reference = environment_example(), settings_reference()

    assert f"# {own_name(key)}=" in example
    assert f"# {key}: " in example
    assert f"### `{key}`\n" in reference
    assert len(KEYS[key].description) > 9


def test_every_shared_variable_is_mentioned() -> None:
    assert [name for name in SHARED_NAMES if name not in environment_example()] == []
    assert [name for name in SHARED_NAMES if name not in settings_reference()] == []


def test_profiles_set_only_keys_that_exist() -> None:
    assert [key for values in PROFILES.values() for key in values if key not in KEYS] == []
