"""A writing process is killed at a random moment: what it had accepted is there, once, in order."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parts.availability import PROJECT


def kill(rounds: int, directory: Path, seconds: float) -> dict[str, int]:
    seed = int(os.environ.get("VERBATIM_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed}: repeat with VERBATIM_TEST_SEED={seed}")
    command = [sys.executable, "-m", "tests.storage.journal.killed_writer", str(rounds), str(seed), str(directory)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=seconds)
    assert run.returncode == 0, run.stderr
    counts: dict[str, int] = json.loads(run.stdout.splitlines()[-1])
    return counts


def test_killed_writers_have_lost_nothing_that_was_accepted(tmp_path: Path) -> None:
    counts = kill(25, tmp_path, seconds=55)
    assert counts["kills"] == 25
    assert counts["accepted"] > 0
    assert (counts["lost"], counts["duplicated"], counts["wrong"]) == (0, 0, 0)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_killed_writers_have_lost_nothing_that_was_accepted(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    counts = kill(1000, tmp_path, seconds=1700)
    for name, count in counts.items():
        record_property(name, count)
    assert counts["kills"] == 1000
    assert counts["accepted"] > 1000
    assert (counts["lost"], counts["duplicated"], counts["wrong"]) == (0, 0, 0)
