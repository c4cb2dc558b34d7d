"""No secret is shown: not in text, not in JSON, not in errors."""

import json
import traceback

import pytest

from config import SettingsError
from config.names import own_name
from config.settings import KEYS
from config.values import HIDDEN
from tests.config.conftest import Load

SECRETS = {
    "LIVEKIT_API_KEY": "sesame-1",
    "LIVEKIT_API_SECRET": "sesame-2",
    "ASSEMBLYAI_API_KEY": "sesame-3",
    "OPENAI_API_KEY": "sesame-4",
    "VERBATIM_TTS__API_KEY": "sesame-5",
    "VERBATIM_LLM__PLUGIN": "vendor.model:LLM",
    "VERBATIM_LLM__OPTIONS": json.dumps(
        {"api_key": "sesame-6", "max_tokens": 100, "extra_headers": [{"Authorization": "sesame-7"}]}
    ),
}


def test_no_secret_appears_in_any_form_in_which_settings_are_shown(read: Load) -> None:
    loaded = read(environ=SECRETS)
    shown = [
        repr(loaded),
        str(loaded.settings),
        repr(loaded.rows()),
        json.dumps(loaded.as_data()),
        loaded.settings.model_dump_json(),
        loaded.digest(),
    ]

    assert not [form for form in shown if "sesame" in form]


def test_a_secret_is_shown_as_hidden_and_a_missing_one_as_not_set(read: Load) -> None:
    rows = {row.key: row for row in read(environ={"LIVEKIT_API_KEY": "sesame"}).rows()}

    assert (rows["livekit.api_key"].value, rows["livekit.api_key"].source) == (
        HIDDEN,
        "environment LIVEKIT_API_KEY",
    )
    assert rows["livekit.api_secret"].value == "not set"


def test_options_show_all_but_their_secrets(read: Load) -> None:
    rows = {row.key: row.value for row in read(environ=SECRETS).rows()}

    assert rows["llm.options"] == (
        f"api_key: {HIDDEN}, max_tokens: 100, extra_headers: [{{'Authorization': '{HIDDEN}'}}]"
    )


def complaints(read: Load, **sources: object) -> str:
    """Return everything that an error would show, or nothing where the value is accepted."""
    try:
        read(**sources)
    except SettingsError as error:
        return "".join(traceback.format_exception(error))
    return ""


@pytest.mark.parametrize("key", list(KEYS))
def test_no_error_repeats_what_was_given(read: Load, key: str) -> None:
    # Too long, too strange, or of the wrong form for every setting.
    wrong = ("sesame\n" * 9000, "\x07sesame", "sesame://sesame:sesame@sesame?sesame", '{"sesame": ')

    shown = [complaints(read, environ={own_name(key): value}) for value in wrong]

    assert any(shown)
    assert "sesame" not in "".join(shown)


@pytest.mark.parametrize(
    "files",
    [
        {"yaml": "stt:\n  api_key: *sesame\n"},
        {"yaml": "stt:\n  api_key: [sesame\n"},
        {"yaml": "stt:\n  api_key: {sesame: 1}\n"},
        {"dotenv": "sesame sesame sesame\n"},
        {"dotenv": 'ASSEMBLYAI_API_KEY="sesame\n'},
    ],
)
def test_no_error_repeats_a_line_of_a_file(read: Load, files: dict[str, str]) -> None:
    shown = complaints(read, **files)

    assert shown
    assert "sesame" not in shown


def test_the_digest_changes_with_settings_and_not_with_secrets(read: Load) -> None:
    plain = read().digest()

    assert read(environ={"OPENAI_API_KEY": "sesame"}).digest() == plain
    assert read(overrides={"tts.voice": "echo"}).digest() != plain
    assert len(plain) == 16
    assert int(plain, 16) >= 0


def test_line_breaks_around_a_key_from_a_mounted_file_are_taken_off(read: Load) -> None:
    key = read(environ={"OPENAI_API_KEY": "sesame\n"}).settings.llm.api_key

    assert key is not None
    assert key.get_secret_value() == "sesame"
