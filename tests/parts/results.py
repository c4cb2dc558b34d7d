"""Keeps what a soak run found: one file under `bench/results/`, named by date and commit.

A soak test adds its figures with pytest's own `record_property("calls", 1000)`.
"""

import json
import os
import platform
import subprocess
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.parts.availability import PROJECT

FOLDER = PROJECT / "bench" / "results"

_results = pytest.StashKey[list[dict[str, Any]]]()
_began = pytest.StashKey[datetime]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_results] = []
    config.stash[_began] = datetime.now(UTC)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("soak") and (report.when == "call" or report.outcome != "passed"):
        item.config.stash[_results].append(
            {
                "test": report.nodeid,
                "outcome": report.outcome,
                "seconds": round(report.duration, 1),
                "figures": dict(report.user_properties),
            }
        )
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    results = session.config.stash[_results]
    if results:
        write(FOLDER, session.config.stash[_began], commit(), results)


def write(folder: Path, began: datetime, at_commit: str, results: list[dict[str, Any]]) -> Path:
    """Writes one run's results as JSON: when, at which commit, on what machine, each test with its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"soak-{began:%Y-%m-%dT%H%MZ}-{at_commit}.json"
    run = {
        "began": began.isoformat(timespec="seconds"),
        "commit": at_commit,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "results": results,
    }
    path.write_text(json.dumps(run, indent=2) + "\n")
    return path


def commit() -> str:
    """The short name of the commit that is checked out, with `-changed` where files differ from it.

    Results of earlier runs, which lie here until they are committed, are no difference.
    """
    git = ["git", "-C", str(PROJECT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    if head.returncode:
        return "unknown"
    changes = subprocess.run([*git, "status", "--porcelain", "--", ":!bench/results"], capture_output=True, text=True)
    return head.stdout.strip() + ("-changed" if changes.stdout.strip() else "")
