"""The stronger source wins, pair by pair, and every value remembers where it came from."""

from pathlib import Path

import pytest

from config.storage_url import Bucket
from tests.config.conftest import Load

KEY = "llm.temperature"
NAME = "VERBATIM_LLM__TEMPERATURE"


def sources(value: float) -> dict[str, dict[str, object]]:
    return {
        "command line": {"overrides": {KEY: str(value)}},
        f"environment {NAME}": {"environ": {NAME: str(value)}},
        f".env line 1, {NAME}": {"dotenv": f"{NAME}={value}\n"},
        "verbatim.yaml line 2": {"yaml": f"llm:\n  temperature: {value}\n"},
        "default": {},
    }


ORDER = list(sources(0))
PAIRS = [(strong, weak) for place, strong in enumerate(ORDER) for weak in ORDER[place + 1 :]]


@pytest.mark.parametrize(("strong", "weak"), PAIRS)
def test_the_stronger_of_two_sources_wins_and_is_named(read: Load, strong: str, weak: str) -> None:
    loaded = read(**{**sources(0.1)[weak], **sources(1.9)[strong]})

    assert loaded.settings.llm.temperature == 1.9
    assert loaded.source_of(KEY) == strong


@pytest.mark.parametrize("source", ORDER[:-1])
def test_each_source_wins_over_the_profile(read: Load, source: str) -> None:
    given: dict[str, dict[str, object]] = {
        "command line": {"overrides": {"agent.dispatch": "named"}},
        f"environment {NAME}": {"environ": {"VERBATIM_AGENT__DISPATCH": "named"}},
        f".env line 1, {NAME}": {"dotenv": "VERBATIM_AGENT__DISPATCH=named"},
        "verbatim.yaml line 2": {"yaml": "agent:\n  dispatch: named"},
    }

    loaded = read(profile="development", **given[source])

    assert loaded.settings.agent.dispatch == "named"
    assert loaded.source_of("agent.dispatch") == source.replace(NAME, "VERBATIM_AGENT__DISPATCH")


def test_the_profile_wins_over_defaults(read: Load) -> None:
    loaded = read(profile="development")

    assert loaded.settings.agent.dispatch == "every_room"
    assert loaded.source_of("agent.dispatch") == "profile development"


def test_sources_are_merged_key_by_key(read: Load) -> None:
    loaded = read(
        overrides={"stt.vad_threshold": "0.5"},
        environ={"VERBATIM_STT__FORMAT_TURNS": "false"},
        dotenv="VERBATIM_STT__KEYTERMS=Verbatim",
        yaml="stt:\n  model: universal-streaming-english\n",
    )

    stt = loaded.settings.stt
    assert (stt.vad_threshold, stt.format_turns, stt.keyterms) == (0.5, False, ("Verbatim",))
    assert stt.model == "universal-streaming-english"


def test_a_list_of_a_stronger_source_replaces_the_whole_list(read: Load) -> None:
    loaded = read(environ={"VERBATIM_STT__KEYTERMS": "one"}, yaml="stt:\n  keyterms: [two, three]\n")

    assert loaded.settings.stt.keyterms == ("one",)


def test_the_ecosystems_names_fill_their_keys(read: Load, keys_of_a_worker: dict[str, str]) -> None:
    loaded = read(environ={**keys_of_a_worker, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})

    settings = loaded.settings
    assert settings.livekit.url == "wss://calls.example.org"
    secrets = (settings.livekit.api_key, settings.livekit.api_secret, settings.stt.api_key)
    assert [secret.get_secret_value() for secret in secrets if secret] == [
        "key-of-livekit",
        "secret-of-livekit",
        "key-of-assemblyai",
    ]
    assert settings.llm.api_key == settings.tts.api_key
    assert settings.llm.base_url == settings.tts.base_url == "http://127.0.0.1:9/v1"
    assert loaded.source_of("tts.api_key") == "environment OPENAI_API_KEY"


def test_a_settings_own_variable_wins_over_the_shared_one(read: Load) -> None:
    loaded = read(environ={"OPENAI_API_KEY": "shared", "VERBATIM_TTS__API_KEY": "own"})

    assert loaded.settings.llm.api_key is not None
    assert loaded.settings.llm.api_key.get_secret_value() == "shared"
    assert loaded.settings.tts.api_key is not None
    assert loaded.settings.tts.api_key.get_secret_value() == "own"


def test_an_empty_variable_counts_as_not_set(read: Load) -> None:
    loaded = read(
        environ={"LIVEKIT_URL": "", "VERBATIM_STT__MODEL": "", "VERBATIM_PROFILE": ""},
        dotenv="LIVEKIT_URL=ws://127.0.0.1:7880",
    )

    assert loaded.settings.livekit.url == "ws://127.0.0.1:7880"
    assert loaded.settings.stt.model == "universal-3-5-pro"


def test_an_empty_greeting_is_a_greeting_of_no_words(read: Load) -> None:
    loaded = read(environ={"VERBATIM_AGENT__GREETING": ""})

    assert loaded.settings.agent.greeting == ""
    assert loaded.source_of("agent.greeting") == "environment VERBATIM_AGENT__GREETING"


def test_a_yaml_key_without_a_value_counts_as_not_set(read: Load) -> None:
    loaded = read(yaml="stt:\n  keyterms:\nllm:\n")

    assert loaded.settings.stt.keyterms == ()
    assert loaded.source_of("stt.keyterms") == "default"


def test_the_command_line_can_empty_what_a_file_sets(read: Load) -> None:
    loaded = read(overrides={"agent.class": "", "agent.greeting": ""}, yaml="agent:\n  class: shop.agents:Clerk\n")

    assert loaded.settings.agent.class_ is None
    assert loaded.settings.agent.greeting == ""


def test_the_named_yaml_file_is_read_instead_of_the_default_one(read: Load, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("agent:\n  name: other\n")
    (tmp_path / "third.yaml").write_text("agent:\n  name: third\n")
    default = "agent:\n  name: default\n"

    by_variable = read(environ={"VERBATIM_CONFIG": "other.yaml"}, yaml=default)
    by_argument = read(environ={"VERBATIM_CONFIG": "other.yaml"}, config_file="third.yaml", yaml=default)
    by_dotenv = read(dotenv="VERBATIM_CONFIG=other.yaml", yaml=default)

    assert by_variable.settings.agent.name == by_dotenv.settings.agent.name == "other"
    assert by_argument.settings.agent.name == "third"
    assert by_argument.source_of("agent.name") == "third.yaml line 2"


@pytest.mark.parametrize(
    ("sources", "profile"),
    [
        ({}, "production"),
        ({"command": "config"}, "production"),
        ({"command": "dev", "environ": {"VERBATIM_PROFILE": "production"}}, "production"),
        ({"environ": {"VERBATIM_PROFILE": "development"}}, "development"),
        ({"dotenv": "VERBATIM_PROFILE=development"}, "development"),
        ({"profile": "development", "environ": {"VERBATIM_PROFILE": "production"}}, "development"),
    ],
)
def test_the_profile_is_chosen_by_argument_then_variable_then_command(
    read: Load, sources: dict[str, object], profile: str, keys_of_a_worker: dict[str, str]
) -> None:
    sources = {**sources, "environ": {**keys_of_a_worker, **sources.get("environ", {})}}  # type: ignore[dict-item]

    assert read(**sources).profile == profile


def test_dev_takes_the_development_profile_and_start_the_production_profile(
    read: Load, keys_of_a_worker: dict[str, str]
) -> None:
    assert read(command="dev", environ=keys_of_a_worker).settings.agent.dispatch == "every_room"
    assert read(command="start", environ=keys_of_a_worker).settings.agent.dispatch == "named"


def test_lines_of_a_dotenv_file_are_counted_past_comments_and_blank_lines(read: Load) -> None:
    loaded = read(
        dotenv='# settings\n\n\nexport LIVEKIT_URL="ws://127.0.0.1:7880"\n\n# voice\nVERBATIM_TTS__VOICE=echo'
    )

    assert loaded.source_of("livekit.url") == ".env line 4, LIVEKIT_URL"
    assert loaded.source_of("tts.voice") == ".env line 7, VERBATIM_TTS__VOICE"


def test_lines_of_a_yaml_file_are_counted_past_comments_and_long_texts(read: Load) -> None:
    loaded = read(yaml="# first\nagent:\n  instructions: |\n    Be brief.\n    Be kind.\n\n  name: clerk\n")

    assert loaded.settings.agent.instructions == "Be brief.\nBe kind."
    assert loaded.source_of("agent.name") == "verbatim.yaml line 7"


def test_relative_paths_start_from_the_working_directory(read: Load, tmp_path: Path) -> None:
    storage = read(environ={"VERBATIM_STORAGE__JOURNAL_DIR": "var/journals"}).settings.storage

    assert storage.url == (tmp_path / "transcripts").as_uri()
    assert storage.directory == tmp_path / "transcripts"
    assert storage.journal_dir == tmp_path / "var" / "journals"


def test_a_storage_address_with_spaces_names_that_directory(read: Load) -> None:
    storage = read(environ={"VERBATIM_STORAGE__URL": "file:///srv/my%20calls/"}).settings.storage

    assert storage.directory == Path("/srv/my calls")
    assert storage.url == "file:///srv/my%20calls"


@pytest.mark.parametrize(
    ("text", "url", "bucket"),
    [
        ("s3://calls", "s3://calls", Bucket("s3", "calls")),
        ("s3://calls/", "s3://calls", Bucket("s3", "calls")),
        ("gs://calls/eu/of 2026/", "gs://calls/eu/of 2026", Bucket("gs", "calls", "eu/of 2026")),
        ("az://calls/eu", "az://calls/eu", Bucket("az", "calls", "eu")),
    ],
)
def test_a_storage_address_may_name_a_bucket_and_a_prefix(read: Load, text: str, url: str, bucket: Bucket) -> None:
    storage = read(environ={"VERBATIM_STORAGE__URL": text}).settings.storage

    assert (storage.url, storage.bucket, storage.directory) == (url, bucket, None)
