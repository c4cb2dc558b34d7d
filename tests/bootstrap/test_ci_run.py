"""`.ci/run` installs what the tests use, runs both sizes, fails when one fails and ends with their closing lines."""

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FAKES = {
    "make": 'echo "make $1 CI=$CI" >>"$CALLS"; echo "$RUNS"; [[ $1 != "$FAILING" ]]',
    "dpkg-query": '[[ " $INSTALLED " == *" ${@: -1} "* ]] && echo "install ok installed"',
    "node": ":",
    "npm": ":",
    "apt-get": 'echo "apt-get $*" >>"$CALLS"',
}
RUNS = ["==== 3 passed in 1.50s ====", "==== 2 passed, 1 rerun in 61.20s (0:01:01) ===="]


def _run(
    tmp_path: Path,
    *,
    failing: str = "",
    installed: str = "flite buildah debootstrap strace systemd iproute2 prometheus redis-server",
) -> tuple[int, str, str]:
    """Runs it with stand-ins for make and Debian's tools; its status, its output, and what was called."""
    programs, calls = tmp_path / "bin", tmp_path / "calls"
    programs.mkdir()
    calls.touch()
    for name, script in FAKES.items():
        (programs / name).write_text(f"#!/usr/bin/env bash\n{script}\n")
        (programs / name).chmod(0o755)
    fakes = {"CALLS": str(calls), "FAILING": failing, "INSTALLED": installed, "RUNS": "\n".join(RUNS)}
    done = subprocess.run(
        [PROJECT / ".ci" / "run"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        env={"PATH": f"{programs}:{os.environ['PATH']}", **fakes},
    )  # fmt: skip
    return done.returncode, done.stdout, calls.read_text()


def test_both_sizes_run_in_order_and_their_closing_lines_end_the_output(tmp_path: Path) -> None:
    status, output, calls = _run(tmp_path)
    assert status == 0
    assert calls.splitlines() == ["make test CI=true", "make test-all CI=true"]
    assert output.splitlines()[-4:] == [f"make {size}: {run}" for size in ("test", "test-all") for run in RUNS]


@pytest.mark.parametrize("failing", ["test", "test-all"])
def test_it_fails_when_a_size_fails(tmp_path: Path, failing: str) -> None:
    status, output, _ = _run(tmp_path, failing=failing)
    assert status != 0
    assert f"make {failing}: {RUNS[-1]}" in output


@pytest.mark.needs("linux", "root")
@pytest.mark.slow
def test_only_the_missing_packages_are_installed(tmp_path: Path) -> None:
    _, _, calls = _run(tmp_path, installed="flite")
    missing = "buildah debootstrap strace systemd iproute2 prometheus redis-server"
    assert f"apt-get install --yes --no-install-recommends {missing}" in calls.splitlines()
