"""The fast suite gives the same result each time."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parts.availability import PROJECT

RUNS = 5
FAST = "not slow and not soak and not live"


def _outcomes(report: Path) -> dict[str, str]:
    """Each test of a JUnit report with its outcome: passed, failure, error or skipped."""
    cases = ElementTree.parse(report).iter("testcase")
    return {
        f"{case.get('classname')}::{case.get('name')}": next(
            (child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed"
        )
        for case in cases
    }


@pytest.mark.soak
def test_five_runs_of_the_fast_suite_in_a_row_pass_and_agree(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    runs = []
    for number in range(RUNS):
        report = tmp_path / f"{number}.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", FAST, f"--junitxml={report}"]
        run = subprocess.run(
            command, cwd=PROJECT, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1200
        )
        assert run.returncode == 0, run.stdout[-8000:]
        runs.append(_outcomes(report))
    record_property("runs", RUNS)
    record_property("tests", len(runs[0]))
    assert all(run == runs[0] for run in runs)
