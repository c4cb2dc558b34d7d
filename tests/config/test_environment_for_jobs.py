"""A job's process gets the same settings through its environment, and reads no file."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import SettingsError, load
from tests.config.conftest import KEYS_OF_A_WORKER, Load

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)

EVERYTHING_DIFFERENT = """
agent:
  name: clerk
  class: shop.agents:Clerk
  instructions: |
    Say "hello", don't shout: ${HOME} #1 = $5
    Grüße, 你好
  greeting: ""
  hang_up: false
stt:
  model: universal-streaming-english
  keyterms: ["a, b", "c\\"d", "[e]"]
  format_turns: false
  end_of_turn_confidence: 0.55
turns: {mode: vad, min_turn_silence: 0, max_turn_silence: 0, resume_false_interruption: false}
llm: {plugin: "vendor.model:LLM", options: {model: x, stop: ["a"], nested: {deep: [1, 2.5, null, true]}}}
tts: {voice: "echo", speed: 1.25}
transcript: {formats: [json]}
storage:
  url: "file:///srv/my%20calls%23"
  journal_dir: /srv/journals
  append_deadline_ms: 50
  spool_max_mb: 7
fleet: {health_port: 0, max_sessions: 1, idle_processes: 0, drain_timeout: 0.5}
telemetry: {log_format: readable, log_level: warning}
"""


@pytest.mark.parametrize("profile", ["production", "development"])
@pytest.mark.parametrize("yaml", ["", EVERYTHING_DIFFERENT])
def test_a_job_has_equal_settings(read: Load, keys_of_a_worker: dict[str, str], yaml: str, profile: str) -> None:
    parent = read(environ=keys_of_a_worker, yaml=yaml, profile=profile)

    child = load(environ=parent.environment(), directory=Path("/"), files=False)

    assert child.settings == parent.settings
    assert child.profile == parent.profile
    assert child.digest() == parent.digest()


def test_a_job_follows_its_worker_and_not_the_environment_that_it_inherited(read: Load) -> None:
    inherited = {
        "LIVEKIT_URL": "ws://127.0.0.1:1",
        "VERBATIM_TTS__VOICE": "echo",
        "VERBATIM_AGENT__CLASS": "shop.agents:Clerk",
        "VERBATIM_PROFILE": "development",
    }
    parent = read(
        environ=inherited,
        overrides={"livekit.url": "ws://127.0.0.1:2", "tts.voice": "ash", "agent.class": ""},
        profile="production",
    )

    child = load(environ={**inherited, **parent.environment()}, files=False)

    assert child.settings == parent.settings
    assert child.profile == "production"


def test_a_job_does_not_stumble_over_a_file_that_was_edited_meanwhile(read: Load, tmp_path: Path) -> None:
    parent = read(yaml="tts:\n  voice: echo\n")
    (tmp_path / "verbatim.yaml").write_text("tts: [")
    (tmp_path / ".env").write_text("VERBATIM_NONSENSE=1")

    child = load(environ=parent.environment(), directory=tmp_path, files=False)

    assert child.settings == parent.settings
    with pytest.raises(SettingsError):
        load(environ=parent.environment(), directory=tmp_path)


def test_a_plugins_key_in_dotenv_reaches_the_job_unless_the_environment_has_one(read: Load) -> None:
    dotenv = "CARTESIA_API_KEY=from-file\nDEEPGRAM_API_KEY=from-file\nOPENAI_API_KEY=from-file\n"

    environment = read(environ={"DEEPGRAM_API_KEY": "from-shell"}, dotenv=dotenv).environment()

    assert environment["CARTESIA_API_KEY"] == "from-file"
    assert environment["OPENAI_API_KEY"] == "from-file"
    assert "DEEPGRAM_API_KEY" not in environment


def test_livekits_own_software_finds_the_effective_server(read: Load) -> None:
    environment = read(environ=KEYS_OF_A_WORKER, overrides={"livekit.url": "ws://127.0.0.1:7880"}).environment()

    assert environment["LIVEKIT_URL"] == "ws://127.0.0.1:7880"
    assert environment["LIVEKIT_API_SECRET"] == "secret-of-livekit"


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_any_instructions_survive_the_way_to_a_job(text: str) -> None:
    parent = load(environ={"VERBATIM_AGENT__INSTRUCTIONS": text}, files=False)

    assert load(environ=parent.environment(), files=False).settings == parent.settings


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.text(max_size=20), JSON_VALUES, max_size=4))
def test_any_options_survive_the_way_to_a_job(options: dict[str, object]) -> None:
    environ = {"VERBATIM_TTS__PLUGIN": "vendor.voice:TTS", "VERBATIM_TTS__OPTIONS": json.dumps(options)}
    parent = load(environ=environ, files=False)

    assert parent.settings.tts.options == options
    assert load(environ=parent.environment(), files=False).settings == parent.settings
