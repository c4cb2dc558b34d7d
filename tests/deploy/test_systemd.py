"""The systemd units are valid, hardened, and let a worker stop in its own time."""

import subprocess
from pathlib import Path

import pytest

from config import Loaded, load
from config.grace import needed
from tests.deploy.documents import DEPLOY, KEYS, documents, unit

DIRECTORY = DEPLOY / "systemd"
WORKER, WATCHER = DIRECTORY / "verbatim.service", DIRECTORY / "verbatim-watch.service"
EXPOSURE = 20
"""At most, of 100, by systemd's own measure; what is left is the network."""


@pytest.fixture(params=[WORKER, WATCHER], ids=lambda path: str(path.name))
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def loaded(path: Path, directory: Path, command: str) -> Loaded:
    environ = dict(pair.split("=", 1) for pair in unit(path)["Environment"])
    return load(
        environ={**KEYS, **environ}, directory=directory, config_file=DIRECTORY / "verbatim.yaml", command=command
    )


def test_the_worker_is_given_what_stopping_takes(tmp_path: Path) -> None:
    fleet = loaded(WORKER, tmp_path, "start").settings.fleet
    wanted = needed(fleet)
    assert fleet.grace_period == wanted, f"write VERBATIM_FLEET__GRACE_PERIOD={wanted}"
    assert unit(WORKER)["TimeoutStopSec"] == [str(wanted)]


def test_the_worker_alone_is_told_to_stop_and_no_call_takes_the_others_along() -> None:
    worker = unit(WORKER)
    assert worker["KillMode"] == ["mixed"]
    assert worker["OOMPolicy"] == ["continue"]
    assert "KillSignal" not in worker


def test_a_unit_is_started_again_however_it_ended_but_not_with_wrong_settings(path: Path) -> None:
    settings = unit(path)
    assert settings["Restart"] == ["always"]
    assert settings["RestartPreventExitStatus"] == ["78"]
    assert settings["StartLimitIntervalSec"] == ["0"]


def test_transcripts_and_journals_are_in_the_state_directory(tmp_path: Path) -> None:
    settings = unit(WORKER)
    assert settings["WorkingDirectory"] == ["/var/lib/" + settings["StateDirectory"][0]]
    storage = loaded(WORKER, tmp_path, "start").settings.storage
    assert storage.directory == tmp_path / "transcripts"
    assert storage.journal_dir == tmp_path / "journals"


def test_the_watcher_starts_with_the_same_settings(tmp_path: Path) -> None:
    worker, watcher = loaded(WORKER, tmp_path, "start").settings, loaded(WATCHER, tmp_path, "watch").settings
    assert watcher.livekit == worker.livekit
    assert unit(WATCHER)["EnvironmentFile"] == unit(WORKER)["EnvironmentFile"]


def test_the_watcher_is_given_livekits_keys_alone() -> None:
    secret = documents(DEPLOY / "kubernetes" / "secret.example.yaml")[0]["stringData"]
    (unset,) = unit(WATCHER)["UnsetEnvironment"]
    assert set(secret) - set(unset.split()) == {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}


def test_both_units_are_hardened_alike() -> None:
    def hardening(path: Path) -> str:
        return path.read_text().split("CapabilityBoundingSet=\n")[1]

    assert hardening(WORKER) == hardening(WATCHER)


@pytest.mark.needs("systemd-analyze")
def test_systemd_finds_nothing_wrong(path: Path, tmp_path: Path) -> None:
    program = tmp_path / "verbatim"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace("/opt/verbatim/.venv/bin/verbatim", str(program)))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.needs("systemd-analyze")
def test_a_unit_can_do_little_harm(path: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
