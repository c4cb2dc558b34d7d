"""A soak run leaves a file that says what was found, when and at which commit."""

import json
from datetime import UTC, datetime
from pathlib import Path

from tests.parts import results


def test_the_results_of_a_run_are_named_by_date_and_commit(tmp_path: Path) -> None:
    began = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    found = [{"test": "tests/soak/x.py::test_y", "outcome": "passed", "seconds": 12.5, "figures": {"calls": 9}}]
    path = results.write(tmp_path / "results", began, "abc1234", found)
    assert path.name == "soak-2027-01-02T0304Z-abc1234.json"
    written = json.loads(path.read_text())
    assert (written["began"], written["commit"]) == ("2027-01-02T03:04:05+00:00", "abc1234")
    assert written["results"] == found
