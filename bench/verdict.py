"""What a measurement says in the end: its figures, its bar, and whether the bar was met."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.parts.results import FOLDER, commit


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one measurement.

    Attributes:
        name: Of the measurement.
        bar: What is promised, in words.
        met: Whether it was kept.
        figures: What was measured, units in the names.
    """

    name: str
    bar: str
    met: bool
    figures: dict[str, Any] = field(default_factory=dict)


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that `percent` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all measurements have."""
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the outcome under bench/results/")


def conclude(verdict: Verdict, options: argparse.Namespace, began: datetime) -> int:
    """Prints the verdict, keeps it if asked to, and returns the exit status: 1 where the bar was missed."""
    outcome = {
        "began": began.isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_average": [round(load, 1) for load in os.getloadavg()],
        },
        **asdict(verdict),
    }
    if options.json:
        print(json.dumps(outcome, indent=2))
    else:
        for name, value in verdict.figures.items():
            print(f"{name:32} {value}")
        load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
        print(f"{'load over 1, 5, 15 minutes':32} {load} on {os.cpu_count()} cores")
        print(f"{'bar':32} {verdict.bar}: {'met' if verdict.met else 'MISSED'}")
    if options.keep:
        path = _path(began, verdict.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(outcome, indent=2) + "\n")
        print(f"kept in {path}", file=sys.stderr)
    return 0 if verdict.met else 1


def _path(began: datetime, name: str) -> Path:
    return FOLDER / f"{began.astimezone(UTC):%Y-%m-%dT%H%MZ}-{commit()}-{name}.json"
