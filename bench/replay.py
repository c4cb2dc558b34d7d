"""How long it takes to make a transcript of a three-hour call's journal, words and all, and how much memory.

    python -m bench.replay [--minutes 180] [--json] [--keep]

Each round is a process of its own, which reads the file, replays it, and looks at the most memory that it ever had:
everything counts, the interpreter too.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.long_call import long_call
from bench.rounds import Bar, conclude_rounds
from bench.verdict import add_arguments
from worker.transcript.reading import read_lines
from worker.transcript.replay import replay

ROUNDS = 7
BAR_SECONDS = 0.5
BAR_MB = 100
DEADLINE_S = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=int, default=180, help="length of the call (default 180)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    add_arguments(parser)
    options = parser.parse_args()
    if options.file is not None:
        print(json.dumps(replayed(options.file)))
        return 0
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "journal.jsonl"
        file.write_bytes(long_call(options.minutes))
        size = file.stat().st_size / 1e6
        rounds = [in_own_process(file) for _ in range(options.rounds)]
    seconds = [each["seconds"] for each in rounds]
    peak = [each["peak_mb"] for each in rounds]
    figures = {
        "journal, MB": [size],
        "turns": [each["turns"] for each in rounds],
        "read and replayed, s": seconds,
        "most memory, MB": peak,
        "most memory above an idle process, MB": [each["peak_mb"] - each["idle_mb"] for each in rounds],
    }
    bars = [
        Bar("read and replayed", seconds, BAR_SECONDS, "s"),
        Bar("most memory", peak, BAR_MB, "MB"),
    ]
    return conclude_rounds("replay", figures, bars, options, began)


def in_own_process(file: Path) -> dict[str, float]:
    """Replay `file` in a fresh process and return what it measured."""
    command = [sys.executable, "-m", "bench.replay", "--file", str(file)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE_S)
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


def replayed(file: Path) -> dict[str, float]:
    """Replay `file` here."""
    idle = peak_mb()
    began = time.perf_counter()
    transcript = replay([read_lines(file.read_bytes())])
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "turns": len(transcript.turns), "idle_mb": idle, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Return the most memory that this process has had resident so far."""
    status = Path("/proc/self/status")
    if status.exists():  # what `getrusage` says there includes the process that this one was started from
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    sys.exit(main())
