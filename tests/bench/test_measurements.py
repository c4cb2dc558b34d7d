"""The measurements run and say what they found; whether a bar is met is for the machine to tell, not for a test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.availability import PROJECT


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("arguments", "figure"),
    [
        (["bench.journal", "--sessions", "2"], "awaited on the loop, p99, ms"),
        (["bench.recovery", "--journals", "20"], "recovered a second"),
        (["bench.replay", "--minutes", "1"], "read and replayed, s"),
        pytest.param(["bench.uploads", "--seconds", "2"], "fast, segments put", marks=pytest.mark.needs("versitygw")),
    ],
    ids=["journal", "recovery", "replay", "uploads"],
)
def test_a_measurement_tells_its_figures_and_its_bars(tmp_path: Path, arguments: list[str], figure: str) -> None:
    command = [sys.executable, "-m", *arguments, "--rounds", "1", "--json"]
    if arguments[0] in ("bench.journal", "bench.recovery"):
        command += ["--directory", str(tmp_path)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=500)
    assert run.stdout, run.stderr
    outcome = json.loads(run.stdout)
    assert run.returncode == (0 if outcome["met"] else 1)
    assert outcome["figures"][figure]["median"] > 0
    assert all(bar["met"] in (True, False) for bar in outcome["figures"]["bars"].values())
    assert list(tmp_path.iterdir()) == []
