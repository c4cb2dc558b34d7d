"""Each worker has a directory of its own, and what dead ones left is removed."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from worker.errors import Failed
from worker.run_directory import LOCK, RunDirectory, socket_of, usual_run_dir


@pytest.fixture
def run_dir() -> Path:
    return Path("/tmp") / f"verbatim-test-{os.getpid()}"


@pytest.fixture
def directory(run_dir: Path) -> object:
    directory = RunDirectory(run_dir)
    directory.open()
    yield directory
    directory.close()
    for left in run_dir.iterdir():
        assert left.is_file() or left.name == "notes", left
        left.unlink() if left.is_file() else left.rmdir()
    run_dir.rmdir()


def left_by(run_dir: Path, pid: int) -> Path:
    """A directory as a killed worker of that process id leaves it."""
    left = run_dir / str(pid)
    left.mkdir()
    (left / LOCK).touch()
    (left / "pymp-12345678").mkdir()
    return left


def test_it_is_nobody_else_s(directory: RunDirectory) -> None:
    assert directory.path.stat().st_mode & 0o777 == 0o700
    assert socket_of(directory.path.parent, os.getpid()).parent == directory.path


def test_its_end_leaves_nothing(directory: RunDirectory) -> None:
    (directory.path / "file").touch()
    directory.close()
    assert not directory.path.exists()


def test_what_a_killed_worker_left_is_removed_and_nothing_else(directory: RunDirectory, run_dir: Path) -> None:
    left = left_by(run_dir, 4_194_305)
    (run_dir / "notes").mkdir()
    directory.close()
    directory.open()
    assert not left.exists()
    assert (run_dir / "notes").exists()


def test_what_a_killed_worker_of_the_same_process_id_left_is_no_hindrance(
    directory: RunDirectory, run_dir: Path
) -> None:
    """In a container each worker is process 1."""
    directory.close()
    left_by(run_dir, os.getpid())
    directory.open()
    assert not (directory.path / "pymp-12345678").exists()


def test_the_directory_of_a_worker_that_runs_stays(directory: RunDirectory, run_dir: Path) -> None:
    code = (
        "import pathlib, sys; from worker.run_directory import RunDirectory;"
        f"d = RunDirectory(pathlib.Path({str(run_dir)!r})); d.open(); print(d.path, flush=True);"
        "sys.stdin.read(); d.close()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdin is not None
    path = Path(other.stdout.readline().strip())
    directory.close()
    directory.open()
    assert path.exists()
    other.communicate()
    assert not path.exists()


def test_a_second_worker_of_the_same_process_id_is_refused(directory: RunDirectory, run_dir: Path) -> None:
    with pytest.raises(Failed, match=r"in use by another worker; give each container a fleet\.run_dir of its own"):
        RunDirectory(run_dir).open()


def test_a_path_that_is_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="too long a path for a socket in it"):
        RunDirectory(tmp_path / ("x" * 100)).open()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(Failed, match=r"cannot be used .*set it to a directory that this user may write"):
        RunDirectory(tmp_path / "x").open()


def test_temporary_files_go_elsewhere_where_a_socket_among_them_would_have_too_long_a_path() -> None:
    assert RunDirectory(Path("/run/verbatim")).temporary == Path(f"/run/verbatim/{os.getpid()}/tmp")
    assert RunDirectory(Path("/" + "x" * 70)).temporary is None


def test_the_usual_directory_is_each_user_s_own() -> None:
    assert usual_run_dir().name == f"verbatim-{os.getuid()}"


def test_a_worker_that_starts_beside_others_keeps_its_directory(
    directory: RunDirectory, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one that starts takes it for left in the moment before it is locked."""
    directory.close()
    lock, taken = fcntl.flock, []

    def flock(descriptor: int, how: int) -> None:
        if not taken:
            taken.append(True)
            shutil.rmtree(directory.path)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    directory.open()
    assert (directory.path / LOCK).exists()
