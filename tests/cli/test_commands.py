"""The commands that print: what they say and how they end."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
from livekit import api

from tests.cli.command import KEYS, SECRETS, run
from tests.parts.livekit_server import LiveKitServer, free_ports
from tests.parts.standins import Standin

# --- config


def test_config_shows_values_with_their_sources_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VERBATIM_LLM__MODEL=gpt-4o\n")
    outcome = run(tmp_path, ["config", "--json"], KEYS)
    assert outcome.status == 0
    settings = json.loads(outcome.out)["settings"]
    assert settings["llm.model"] == {"value": "gpt-4o", "source": ".env line 1, VERBATIM_LLM__MODEL"}
    assert settings["livekit.url"]["source"] == "environment LIVEKIT_URL"
    assert settings["turns.max_turn_silence"] == {"value": 1000, "source": "default"}
    assert settings["livekit.api_secret"]["value"] not in (None, *SECRETS.values())


def test_config_json_keeps_every_character(tmp_path: Path) -> None:
    greeting = "Say [bold]hello[/] :smile: " + "and more " * 40
    outcome = run(tmp_path, ["config", "--json"], {"VERBATIM_AGENT__GREETING": greeting})
    assert json.loads(outcome.out)["settings"]["agent.greeting"]["value"] == greeting.strip()


def test_config_as_a_table_holds_every_setting_and_no_secret(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["config"], KEYS)
    assert outcome.status == 0
    for key in ("livekit.api_secret", "stt.model", "fleet.health_port"):
        assert key in outcome.out


def test_config_needs_no_keys(tmp_path: Path) -> None:
    assert run(tmp_path, ["config"]).status == 0


# --- token


def test_token_prints_a_url_and_a_token_for_the_room(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["token", "--room", "kitchen", "--identity", "ada", "--json"], KEYS)
    assert outcome.status == 0
    printed = json.loads(outcome.out)
    assert (printed["server_url"], printed["room"], printed["identity"], printed["expires_in_seconds"]) == (
        KEYS["LIVEKIT_URL"], "kitchen", "ada", 900,
    )  # fmt: skip
    verifier = api.TokenVerifier(KEYS["LIVEKIT_API_KEY"], KEYS["LIVEKIT_API_SECRET"])
    claims = verifier.verify(printed["participant_token"])
    assert claims.video is not None and claims.video.room == "kitchen"
    assert claims.room_config is not None and claims.room_config.agents[0].agent_name == "verbatim"


def test_token_prints_each_on_a_line_of_its_own_to_be_copied(tmp_path: Path) -> None:
    url, token, *_ = run(tmp_path, ["token", "--room", "kitchen"], KEYS).out.splitlines()
    assert url.split() == ["URL", KEYS["LIVEKIT_URL"]]
    assert token.split()[0] == "Token" and token.count(".") == 2


def test_token_needs_only_the_keys_of_livekit(tmp_path: Path) -> None:
    livekit = {name: value for name, value in KEYS.items() if name.startswith("LIVEKIT_")}
    assert run(tmp_path, ["token", "--room", "kitchen"], livekit).status == 0
    outcome = run(tmp_path, ["token", "--room", "kitchen"])
    assert outcome.status == 78
    assert [sentence.partition(" ")[0] for sentence in outcome.sentences] == list(livekit)


def test_token_refuses_a_room_without_a_name(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["token", "--room", " "], KEYS)
    assert (outcome.status, outcome.sentences) == (2, ["--room must be 1 to 256 bytes long."])


# --- dispatch


def test_dispatch_sends_the_agent_and_says_so(tmp_path: Path, livekit_server: LiveKitServer) -> None:
    keys = {
        "LIVEKIT_URL": livekit_server.url,
        "LIVEKIT_API_KEY": livekit_server.api_key,
        "LIVEKIT_API_SECRET": livekit_server.api_secret,
    }
    outcome = run(tmp_path, ["dispatch", "--room", "a room for test_commands", "--json"], keys)
    assert outcome.status == 0
    printed = json.loads(outcome.out)
    assert printed.pop("dispatch").startswith("AD_")
    assert printed == {"room": "a room for test_commands", "agent": "verbatim"}


def test_dispatch_to_a_server_that_is_not_there_ends_with_unavailable(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    outcome = run(tmp_path, ["dispatch", "--room", "kitchen"], {**KEYS, "LIVEKIT_URL": f"ws://127.0.0.1:{port}"})
    assert outcome.status == 69
    assert len(outcome.sentences) == 1


# --- doctor

HERE = {"VERBATIM_FLEET__HEALTH_HOST": "127.0.0.1", "VERBATIM_FLEET__HEALTH_PORT": "0"}


@pytest.fixture(scope="module")
def assemblyai_arguments() -> Sequence[str]:
    return ("--engine", "light")


def test_doctor_finds_nothing_wrong_where_everything_works(
    tmp_path: Path, livekit_server: LiveKitServer, assemblyai_standin: Standin, openai_standin: Standin
) -> None:
    working = {
        **HERE,
        **KEYS,
        "LIVEKIT_URL": livekit_server.url,
        "LIVEKIT_API_KEY": livekit_server.api_key,
        "LIVEKIT_API_SECRET": livekit_server.api_secret,
        "VERBATIM_STT__BASE_URL": assemblyai_standin.websocket_url,
        "OPENAI_BASE_URL": f"{openai_standin.url}/v1",
    }
    outcome = run(tmp_path, ["doctor", "--json"], working)
    findings = json.loads(outcome.out)
    assert {finding["verdict"] for finding in findings} == {"fine"}, findings
    assert outcome.status == 0


def test_doctor_without_keys_fails_and_names_them(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["doctor"], HERE)
    assert outcome.status == 1
    for name in KEYS:
        assert outcome.out.count(f" keys             {name} is not set.") == 1
    assert outcome.err == ""


def test_doctor_where_only_services_are_down_ends_with_unavailable(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    down = {
        **HERE,
        **KEYS,
        "LIVEKIT_URL": f"ws://127.0.0.1:{port}",
        "VERBATIM_STT__BASE_URL": f"ws://127.0.0.1:{port}",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
    }
    outcome = run(tmp_path, ["doctor", "--json"], down)
    verdicts = {finding["check"]: finding["verdict"] for finding in json.loads(outcome.out)}
    assert {name for name, verdict in verdicts.items() if verdict == "unreachable"} == {"livekit", "stt", "llm", "tts"}
    assert outcome.status == 69


def test_doctor_with_wrong_settings_ends_with_configuration(tmp_path: Path) -> None:
    wrong = {**HERE, "VERBATIM_STT__MODEL": "universal-9"}
    outcome = run(tmp_path, ["doctor"], wrong)
    assert outcome.status == 78
    assert len(outcome.sentences) == 1
    outcome = run(tmp_path, ["doctor", "--json"], wrong)
    assert outcome.status == 78
    (finding,) = json.loads(outcome.out)
    assert (finding["check"], finding["verdict"]) == ("settings", "failed")


def test_help_names_every_command(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["--help"])
    assert outcome.status == 0
    for name in ("start", "dev", "demo", "doctor", "config", "token", "dispatch", "watch", "transcripts"):
        assert name in outcome.out


def test_dispatch_is_refused_where_every_room_is_joined_anyway(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["dispatch", "--room", "kitchen", "--profile", "development"], KEYS)
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert sentence.startswith("agent.dispatch is every_room")


def test_a_token_for_a_worker_that_joins_every_room_asks_for_nobody(tmp_path: Path) -> None:
    def agents(*options: str) -> object:
        token = json.loads(run(tmp_path, ["token", "--room", "kitchen", "--json", *options], KEYS).out)
        claims = api.TokenVerifier(KEYS["LIVEKIT_API_KEY"], KEYS["LIVEKIT_API_SECRET"]).verify(
            token["participant_token"]
        )
        return [agent.agent_name for agent in claims.room_config.agents] if claims.room_config else []

    assert agents() == ["verbatim"]
    assert agents("--profile", "development") == []


def test_the_version_is_printed(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["--version"])
    assert (outcome.status, outcome.out.strip()) == (0, version("verbatim"))
