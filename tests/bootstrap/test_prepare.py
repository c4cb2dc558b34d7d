"""The preparation takes the steps that are missing, one run at a time, and a half-made tool never counts as made."""

import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import azurite, environment, livekit_server, lock, prepare, uv
from bootstrap.errors import SetupError
from bootstrap.go_programs import fake_gcs_server, kustomize, versitygw


class Step:
    """A step that notes what was asked of it."""

    def __init__(self, done: bool, fails: str = "") -> None:
        self.done = done
        self.fails = fails
        self.prepared = 0

    def ready(self, project: Path) -> bool:
        return self.done

    def prepare(self, project: Path) -> None:
        self.prepared += 1
        if self.fails:
            raise SetupError(self.fails)
        self.done = True


def test_only_the_missing_steps_are_taken(tmp_path: Path) -> None:
    first, second = Step(done=True), Step(done=False)
    prepare.prepare(tmp_path, [first, second])
    assert (first.prepared, second.prepared) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ([], [environment, livekit_server]),
        (["--packages-only"], [environment]),
        (["--tests"], [environment, livekit_server, versitygw, fake_gcs_server, azurite, kustomize]),
    ],
)
def test_what_only_tests_need_is_left_out_unless_asked_for(
    arguments: list[str], steps: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    monkeypatch.setattr(prepare, "prepare", lambda _, chosen: taken.extend(chosen))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert prepare.main(arguments) == 0
    assert taken == steps


def test_nothing_is_written_when_all_is_ready(tmp_path: Path) -> None:
    prepare.prepare(tmp_path, [Step(done=True)])
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_fails_ends_the_preparation(tmp_path: Path) -> None:
    never = Step(done=False)
    with pytest.raises(SetupError, match="no network"):
        prepare.prepare(tmp_path, [Step(done=False, fails="no network"), never])
    assert never.prepared == 0


def test_a_failure_is_one_sentence_and_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SetupError("uv 0.13.9: the disk is full.")

    monkeypatch.setattr(prepare, "prepare", fail)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert prepare.main([]) == 1
    assert capsys.readouterr().err == "uv 0.13.9: the disk is full.\n"


def test_ctrl_c_says_how_to_go_on_and_gives_status_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "prepare", interrupt)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert prepare.main([]) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_a_second_run_waits_and_gives_up_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lock"
    with lock.held(path):
        with pytest.raises(SetupError, match="stop it, then run the same command again"), lock.held(path, 0.3):
            pass
        assert capsys.readouterr().err.count("waiting for it") == 1


def test_the_lock_of_a_run_that_was_killed_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import os, pathlib, signal, sys\n"
        "from bootstrap import lock\n"
        "with lock.held(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, path], check=False, cwd=prepare.PROJECT)
    with lock.held(path, 0):
        pass


def test_half_made_tools_do_not_count_as_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "uv.lock").touch()
    partial = tmp_path / ".tools" / "livekit-server.partial"
    partial.mkdir(parents=True)
    (partial / "server").write_bytes(b"half")
    broken = tmp_path / ".tools" / "bin" / "livekit-server"
    broken.parent.mkdir()
    broken.write_bytes(b"not a program")
    assert not environment.ready(tmp_path)
    assert not livekit_server.ready(tmp_path)


def test_the_environment_is_made_again_when_the_lock_file_changed_or_the_checkout_moved(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).write_text("one")
    stamp = tmp_path / ".venv" / ".prepared"
    stamp.write_text(environment._wanted(tmp_path))
    assert environment.ready(tmp_path)
    (tmp_path / "uv.lock").write_text("two")
    assert not environment.ready(tmp_path)
    (tmp_path / "uv.lock").write_text("one")
    assert environment.ready(tmp_path)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert not environment.ready(moved)


def test_uv_takes_this_python_and_the_checkout_own_environment(tmp_path: Path) -> None:
    given = uv.environment(tmp_path, {"UV_PYTHON": "3.8", "UV_PROJECT_ENVIRONMENT": "/elsewhere"})
    assert given["UV_PYTHON"] == uv.python()
    assert given["UV_PROJECT_ENVIRONMENT"] == str(tmp_path / ".venv")
    assert given["UV_PYTHON_DOWNLOADS"] == "never"
