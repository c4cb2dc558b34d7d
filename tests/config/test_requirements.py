"""Each command asks for what it cannot work without, and for no more."""

import pytest

from config import SettingsError
from config.requirements import ON_LIVEKIT_CLOUD
from tests.config.conftest import KEYS_OF_A_WORKER, Load, Refuse


@pytest.mark.parametrize("command", ["config", "demo", "doctor", "transcripts"])
def test_commands_that_need_no_keys_work_without(read: Load, command: str) -> None:
    read(command=command).require_for(command)


@pytest.mark.parametrize("command", ["start", "dev"])
def test_a_worker_with_all_keys_starts(read: Load, keys_of_a_worker: dict[str, str], command: str) -> None:
    read(command=command, environ=keys_of_a_worker).require_for(command)


@pytest.mark.parametrize("name", list(KEYS_OF_A_WORKER))
def test_a_worker_without_one_of_its_keys_names_that_key_once(
    refuse: Refuse, keys_of_a_worker: dict[str, str], name: str
) -> None:
    del keys_of_a_worker[name]

    (sentence,) = refuse(command="start", environ=keys_of_a_worker)

    assert sentence.startswith(f"{name} is not set; ")


def test_a_token_needs_livekit_only(refuse: Refuse) -> None:
    assert [sentence.split()[0] for sentence in refuse(command="token")] == [
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
    ]


def test_plugins_for_model_and_voice_need_no_openai_key(read: Load, keys_of_a_worker: dict[str, str]) -> None:
    del keys_of_a_worker["OPENAI_API_KEY"]

    read(
        command="start",
        environ=keys_of_a_worker,
        overrides={"llm.plugin": "vendor.model:LLM", "tts.plugin": "vendor.voice:TTS"},
    )


def test_a_key_that_was_given_and_refused_is_not_missing(refuse: Refuse, keys_of_a_worker: dict[str, str]) -> None:
    sentences = refuse(command="start", environ={**keys_of_a_worker, "LIVEKIT_URL": "calls.example.org"})

    assert sentences == ("livekit.url must begin with wss:// or ws:// and name a host (environment LIVEKIT_URL).",)


@pytest.mark.parametrize("name", ["LIVEKIT_AGENT_NAME", "LIVEKIT_AGENT_NAME_OVERRIDE"])
def test_the_sdks_own_agent_name_must_be_the_workers(
    refuse: Refuse, read: Load, keys_of_a_worker: dict[str, str], name: str
) -> None:
    read(command="start", environ={**keys_of_a_worker, name: "verbatim"})

    assert refuse(command="start", environ={**keys_of_a_worker, name: "other"}) == (
        f"{name} differs from agent.name (verbatim) and would change who is dispatched; remove the variable, or "
        "set agent.name (VERBATIM_AGENT__NAME) to the same name.",
    )
    assert refuse(command="dev", environ={**keys_of_a_worker, name: "verbatim"}) == (
        f"{name} is set, which would stop the agent from joining every room; remove the variable, or set "
        "agent.dispatch to named.",
    )


def test_the_sdks_own_agent_name_is_found_in_dotenv_too(read: Load, keys_of_a_worker: dict[str, str]) -> None:
    loaded = read(environ=keys_of_a_worker, dotenv="LIVEKIT_AGENT_NAME=other")

    with pytest.raises(SettingsError, match="LIVEKIT_AGENT_NAME differs"):
        loaded.require_for("start")


def test_what_livekit_cloud_hosts_stores_in_a_bucket(
    refuse: Refuse, read: Load, keys_of_a_worker: dict[str, str]
) -> None:
    hosted = {**keys_of_a_worker, ON_LIVEKIT_CLOUD: "http://eot"}

    assert refuse(command="start", environ=hosted) == (
        "storage.url is a directory, and LiveKit Cloud throws an agent's disk away with its container; set "
        "VERBATIM_STORAGE__URL to a bucket (s3://, gs:// or az://).",
    )
    read(command="start", environ=hosted, overrides={"storage.url": "s3://calls"})
    read(command="config", environ=hosted)


def test_a_worker_of_ones_own_stores_in_a_directory_also_for_livekit_cloud(
    read: Load, keys_of_a_worker: dict[str, str]
) -> None:
    read(command="start", environ={**keys_of_a_worker, "LIVEKIT_URL": "wss://calls.livekit.cloud"})


def test_the_sdk_knows_by_the_same_variable_that_livekit_cloud_hosts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from livekit.agents.utils import is_hosted

    monkeypatch.delenv(ON_LIVEKIT_CLOUD, raising=False)
    assert not is_hosted()
    monkeypatch.setenv(ON_LIVEKIT_CLOUD, "http://eot")
    assert is_hosted()
