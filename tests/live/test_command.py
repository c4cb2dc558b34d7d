"""`make test-live`: nothing is sent without keys and agreement; with them, every difference is found and told.

The vendor is a second pair of stand-ins that behave differently.
"""

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.contract.streaming_probes import SENTENCE, UNFINISHED
from tests.parts.availability import PROJECT
from tests.parts.standins import Standin, standin

KEY = "sk-zqxj"
NOTHING: Mapping[str, str] = MappingProxyType({})
KEYS = {"ASSEMBLYAI_API_KEY": KEY, "OPENAI_API_KEY": KEY}


def run(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] = MappingProxyType({}),
    stdin: int = subprocess.DEVNULL,
) -> subprocess.CompletedProcess[str]:
    """Runs the command where there is no `.env`, without a terminal unless one is given."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VERBATIM_", "OPENAI_", "ASSEMBLYAI_", "LIVEKIT_", "CONFIRM", "CI"))
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.live", "--results", str(folder / "results"), *arguments],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(PROJECT), **environment},
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=500,
    )


def test_without_keys_nothing_is_sent_and_each_missing_one_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "--yes")
    assert done.returncode == 2
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["ASSEMBLYAI_API_KEY", "OPENAI_API_KEY"]
    assert not (tmp_path / "results").exists()


def test_without_a_terminal_or_agreement_the_cost_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    done = run(tmp_path, environment=KEYS)
    assert done.returncode == 2
    assert "Together about US$" in done.stdout
    assert done.stderr == "Nothing was sent: no terminal to ask on; agree with `make test-live CONFIRM=yes`.\n"
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"], ids=["no", "nothing", "end of input"])
def test_who_does_not_agree_at_the_terminal_sends_nothing(tmp_path: Path, answer: str) -> None:
    person, terminal = pty.openpty()
    try:
        os.write(person, answer.encode())
        done = run(tmp_path, environment=KEYS, stdin=terminal)
    finally:
        os.close(person)
        os.close(terminal)
    assert done.returncode == 2
    assert "Together about US$" in done.stdout
    assert "Go on? [y/N]" in done.stdout
    assert done.stderr == "Nothing was sent.\n"


def test_a_wrong_setting_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    done = run(tmp_path, "--yes", environment={"VERBATIM_STT__MODEL": "whisper"})
    assert done.returncode == 2
    assert done.stderr.startswith("stt.model")
    assert not done.stdout


def test_the_suite_alone_spends_nobody_s_money(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "live", "tests/contract/test_chat.py"],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name != "CI"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0
    assert "7 skipped" in done.stdout
    assert "run `make test-live`" in done.stdout


@contextlib.contextmanager
def vendor(folder: Path) -> Iterator[tuple[Standin, Standin, dict[str, str]]]:
    """A second pair of stand-ins, and the settings that take them for the vendors."""
    with (
        standin("assemblyai", [], folder / "assemblyai.log") as stt,
        standin("openai", ["--first-token-ms", "120"], folder / "openai.log") as llm,
    ):
        yield (
            stt,
            llm,
            {
                **KEYS,
                "VERBATIM_STT__BASE_URL": stt.websocket_url,
                "OPENAI_BASE_URL": f"{llm.url}/v1",
            },
        )


@pytest.mark.slow
@pytest.mark.needs("speech")
def test_services_that_keep_the_contract_pass_without_a_difference(tmp_path: Path) -> None:
    with vendor(tmp_path) as (_, _, settings):
        done = run(tmp_path, environment=settings | {"CONFIRM": "yes"})
    assert done.returncode == 0, done.stdout
    assert "differences between the services and their stand-ins: 0" in done.stdout
    assert "end of speech to final" in done.stdout
    assert "first token" in done.stdout
    (written,) = (tmp_path / "results").iterdir()
    assert str(written) in done.stdout
    stored = written.read_text()
    assert not any(word in stored + done.stdout for word in (KEY, SENTENCE, UNFINISHED, "opening", "appointment"))
    assert len(json.loads(stored)["probes"]) == 21


@pytest.mark.slow
@pytest.mark.needs("speech")
def test_what_a_service_does_otherwise_is_found_and_told(tmp_path: Path) -> None:
    with vendor(tmp_path) as (stt, llm, settings):
        stt.set_fault("garbage", when="mid_turn", count=1)
        stt.set_fault("error", when="after_turns", count=1)
        llm.set_fault("status", service="chat", status=503, count=1)
        llm.set_fault("cut", service="speech", after=3, count=1)
        done = run(tmp_path, "--yes", environment=settings)
        stt_name, llm_name = (each.url.removeprefix("http://") for each in (stt, llm))
    assert done.returncode == 1
    for sentence in (
        f"{stt_name} sends Error, the stand-in does not.",
        f"{stt_name} sends no JSON, the stand-in does not.",
        f"{llm_name} answers with HTTP status 503, the stand-in with HTTP status 200.",
        f"{llm_name} sends an error body, the stand-in does not.",
        f"The stand-in sends speech.audio.done, {llm_name} does not.",
    ):
        assert f"- {sentence}" in done.stdout
    (written,) = (tmp_path / "results").iterdir()
    assert f"{stt_name} sends Error, the stand-in does not." in json.loads(written.read_text())["differences"]
    assert "opening" not in done.stdout
