"""`start` refuses what cannot work: one sentence for each problem, the right status, and nothing touched."""

import resource
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.command import KEYS, SECRETS, Outcome, run
from tests.parts.livekit_server import LiveKitServer, free_ports

CHEAP = {"VERBATIM_FLEET__IDLE_PROCESSES": "0", "VERBATIM_FLEET__HEALTH_HOST": "127.0.0.1",
         "VERBATIM_FLEET__HEALTH_PORT": "0", "VERBATIM_LIVEKIT__CONNECT_ATTEMPTS": "1"}  # fmt: skip


@pytest.fixture(autouse=True)
def stored_before(tmp_path: Path) -> Iterator[None]:
    """A transcript and a journal from before, which must be as they were afterwards."""
    transcript = tmp_path / "transcripts/2026/01/02/kitchen/RM_1-verbatim/transcript.json"
    journal = tmp_path / "journals/RM_2-verbatim/AJ_2.jsonl"
    for path in (transcript, journal):
        path.parent.mkdir(parents=True)
        path.write_text(f"the words in {path.name}\n")
    yield
    for path in (transcript, journal):
        assert path.read_text() == f"the words in {path.name}\n"


def start(directory: Path, variables: Mapping[str, str], **more: object) -> Outcome:
    places = {
        "VERBATIM_STORAGE__URL": (directory / "transcripts").as_uri(),
        "VERBATIM_STORAGE__JOURNAL_DIR": str(directory / "journals"),
    }
    return run(directory, ["start"], {**places, **CHEAP, **variables}, **more)  # type: ignore[arg-type]


def credentials(server: LiveKitServer) -> dict[str, str]:
    return {
        **KEYS,
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
    }


# --- settings


def test_without_keys_each_is_named(tmp_path: Path) -> None:
    outcome = start(tmp_path, {})
    assert outcome.status == 78
    assert [sentence.partition(" ")[0] for sentence in outcome.sentences] == list(KEYS)
    assert all("is not set; put" in sentence for sentence in outcome.sentences)


def test_an_unknown_setting_in_the_environment_is_named(tmp_path: Path) -> None:
    outcome = start(tmp_path, {**KEYS, "VERBATIM_TURNS__MAX_TURN_SILENSE": "2000"})
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert "VERBATIM_TURNS__MAX_TURN_SILENSE" in sentence


def test_an_unknown_setting_in_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "verbatim.yaml").write_text("stt:\n  modell: universal-3-5-pro\n")
    outcome = start(tmp_path, KEYS)
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert "stt.modell" in sentence and "line 2" in sentence


def test_two_contradictions_are_told_at_once(tmp_path: Path) -> None:
    contradictory = {
        "VERBATIM_TURNS__MIN_TURN_SILENCE": "2000",
        "VERBATIM_TURNS__MAX_TURN_SILENCE": "1000",
        "VERBATIM_STT__MODEL": "universal-streaming-english",
        "VERBATIM_STT__LANGUAGE_CODES": "en",
    }
    outcome = start(tmp_path, {**KEYS, **contradictory})
    assert outcome.status == 78
    languages, silences = sorted(outcome.sentences)
    assert languages.startswith("stt.language_codes works with Universal-3 models only")
    assert silences.startswith("turns.min_turn_silence (2000 ms) is longer")


def test_a_variable_of_the_sdk_that_would_rename_the_agent_is_refused(tmp_path: Path) -> None:
    outcome = start(tmp_path, {**KEYS, "LIVEKIT_AGENT_NAME": "other"})
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert sentence.startswith("LIVEKIT_AGENT_NAME differs from agent.name")


def test_an_assignment_without_a_value_is_a_usage_error(tmp_path: Path) -> None:
    outcome = run(tmp_path, ["start", "--set", "llm.model"], KEYS)
    assert outcome.status == 2
    assert "KEY=VALUE" in outcome.err


@pytest.mark.parametrize("words", [["start", "--no-such-option"], ["no-such-command"], ["token"]])
def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path, words: list[str]) -> None:
    assert run(tmp_path, words, KEYS).status == 2


# --- the machine


def no_file_may_be_written() -> None:
    # Stands for a read-only file system, also for root: every write to a file fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_machine_without_temporary_files_is_refused(tmp_path: Path) -> None:
    outcome = start(tmp_path, KEYS, before=no_file_may_be_written)
    assert outcome.status == 1
    (sentence,) = outcome.sentences
    assert sentence.startswith("Temporary files cannot be written")
    assert "TMPDIR" in sentence


UNCHECKED = (
    "import sys; from worker.cli import main; sys.platform = {platform!r}; sys.argv = ['verbatim', 'start']; main()"
)


@pytest.mark.parametrize(("platform", "words"), [("win32", "run it in WSL 2"), ("sunos5", "not on sunos5")])
def test_an_unsupported_platform_is_refused(
    tmp_path: Path, platform: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli import command

    code = UNCHECKED.format(platform=platform)
    monkeypatch.setattr(command, "arguments", lambda *_: [sys.executable, "-c", code])
    outcome = start(tmp_path, KEYS)
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert words in sentence


# --- what is quick


PROBE = """
import sys
from worker.cli import main
sys.argv = ["verbatim", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"livekit.agents", "livekit.plugins", "livekit.rtc", "openai", "obstore"} & set(sys.modules)
    print("imported:", *sorted(heavy))
"""


@pytest.mark.parametrize("words", [["start"], ["dev", "--no-reload"], ["token", "--room", "kitchen"], ["config"],
                                   ["transcripts", "ls"], ["transcripts", "recover"]])  # fmt: skip
def test_settings_are_refused_before_the_sdk_is_imported(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli import command

    monkeypatch.setattr(command, "arguments", lambda *given: [sys.executable, "-c", PROBE, *given])
    outcome = run(tmp_path, words, {**KEYS, "VERBATIM_NO_SUCH__SETTING": "1"})
    assert outcome.status == 78
    assert outcome.out.strip() == "imported:"


def test_temporary_files_are_checked_before_the_sdk_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli import command

    monkeypatch.setattr(command, "arguments", lambda *given: [sys.executable, "-c", PROBE, *given])
    outcome = start(tmp_path, KEYS, before=no_file_may_be_written)
    assert outcome.status == 1
    assert outcome.out.strip() == "imported:"


# --- storage, classes, services


@pytest.mark.parametrize(
    ("name", "value"),
    [("VERBATIM_STORAGE__URL", "file://{directory}/a-file/transcripts"),
     ("VERBATIM_STORAGE__JOURNAL_DIR", "{directory}/a-file/journals")],
)  # fmt: skip
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / "a-file").write_text("")
    outcome = start(tmp_path, {**KEYS, name: value.format(directory=tmp_path)})
    assert outcome.status == 1
    (sentence,) = outcome.sentences
    assert "a-file" in sentence
    assert (tmp_path / "a-file").read_text() == ""


def test_a_class_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    outcome = start(tmp_path, {**KEYS, "VERBATIM_AGENT__CLASS": "no_such_module:Agent"})
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert sentence.startswith("agent.class names no_such_module:Agent, but there is no module no_such_module")


def test_a_plugin_that_is_not_installed_is_refused_before_the_first_call(tmp_path: Path) -> None:
    outcome = start(tmp_path, {**KEYS, "VERBATIM_TTS__PLUGIN": "livekit.plugins.no_such:TTS"})
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert sentence.endswith("install it with: uv pip install livekit-plugins-no-such")


def test_a_wrong_secret_of_livekit_is_refused(tmp_path: Path, livekit_server: LiveKitServer) -> None:
    wrong = {"LIVEKIT_API_SECRET": SECRETS["LIVEKIT_API_SECRET"]}
    outcome = start(tmp_path, {**credentials(livekit_server), **wrong})
    assert outcome.status == 78
    (sentence,) = outcome.sentences
    assert "refused the key and secret" in sentence


def test_a_server_that_cannot_be_reached_is_given_up_after_the_attempts(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    outcome = start(tmp_path, {**KEYS, "LIVEKIT_URL": f"ws://127.0.0.1:{port}"})
    assert outcome.status == 69
    (sentence,) = outcome.sentences
    assert f"LiveKit at ws://127.0.0.1:{port} could not be reached" in sentence
    warnings = [line for line in outcome.err.splitlines() if '"level": "warning"' in line]
    assert any("cannot be reached" in line for line in warnings)
    assert any("retrying in 0s" in line for line in warnings)


@pytest.mark.slow  # it is waited for
def test_a_port_that_is_taken_is_refused(tmp_path: Path, livekit_server: LiveKitServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        outcome = start(tmp_path, {**credentials(livekit_server), "VERBATIM_FLEET__HEALTH_PORT": str(port)})
    assert outcome.status == 1
    (sentence,) = outcome.sentences
    assert sentence.startswith(f"Port {port} on 127.0.0.1 cannot be used for health (Address already in use)")
