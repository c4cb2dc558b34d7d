"""How fast a worker recovers what dead jobs left on its node, with how much memory, and what its event loop feels.

    python -m bench.recovery [--journals 1000] [--minutes 1] [--json] [--keep]

Each round is a process of its own, which finds that many journals of that many sessions beside a local store. The
loop's lag is how much later than asked a task comes to run that wants to run every few milliseconds, as the
worker's own duties do: health, admission, heartbeats.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.long_call import long_call
from bench.replay import peak_mb
from bench.rounds import Bar, conclude_rounds
from bench.verdict import add_arguments, percentile
from worker.storage.recovery.sweep import State, recover
from worker.storage.stores.directory import DirectoryStore
from worker.transcript.render import FORMATS

ROUNDS = 3
BAR_A_SECOND = 50
BAR_MB = 60
"""Above an idle process; a worker has its calls beside."""
BAR_LAG_MS = 50
"""Of the loop's lag, 99 of 100 times; a health check waits a second, and the audio is in other processes."""
LOOK_EVERY_S = 0.005
DEADLINE_S = 500


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--journals", type=int, default=1000, help="how many dead jobs there were (default 1000)")
    parser.add_argument("--minutes", type=int, default=1, help="how long each lively call was (default 1)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--directory", type=Path, default=Path(), help="on which disk (default: here)")
    parser.add_argument("--left", type=Path, help=argparse.SUPPRESS)
    add_arguments(parser)
    options = parser.parse_args()
    if options.left is not None:
        print(json.dumps(asyncio.run(recovered(options.left))))
        return 0
    began = datetime.now(UTC)
    rounds = [one_round(options) for _ in range(options.rounds)]
    a_second = [each["journals"] / each["seconds"] for each in rounds]
    memory = [each["peak_mb"] - each["idle_mb"] for each in rounds]
    lag = [each["lag_p99_ms"] for each in rounds]
    figures = {
        "journals": [each["journals"] for each in rounds],
        "of each, kB": [each["size_kb"] for each in rounds],
        "recovered in, s": [each["seconds"] for each in rounds],
        "recovered a second": a_second,
        "processor time of each, ms": [1000 * each["processor_s"] / each["journals"] for each in rounds],
        "most memory above an idle process, MB": memory,
        "lag of the event loop, p99, ms": lag,
        "lag of the event loop, most, ms": [each["lag_most_ms"] for each in rounds],
    }
    bars = [
        Bar("recovered a second", a_second, BAR_A_SECOND, "journals", at_least=True),
        Bar("most memory above an idle process", memory, BAR_MB, "MB"),
        Bar("lag of the event loop, p99", lag, BAR_LAG_MS, "ms"),
    ]
    return conclude_rounds("recovery", figures, bars, options, began)


def one_round(options: argparse.Namespace) -> dict[str, float]:
    """Leave the journals, recover them in a fresh process and return what it measured."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.directory) as base:
        size = 0
        for number in range(options.journals):
            path = Path(base) / "journals" / f"RM_{number}-verbatim" / "AJ_long.jsonl"
            path.parent.mkdir(parents=True)
            size = path.write_bytes(long_call(options.minutes, f"RM_{number}"))
        command = [sys.executable, "-m", "bench.recovery", "--left", base]
        run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE_S)
        figures: dict[str, float] = json.loads(run.stdout)
        return figures | {"size_kb": size / 1e3}


async def recovered(base: Path) -> dict[str, float]:
    """Recover everything that was left under `base`, into a store beside it."""
    idle = peak_mb()
    lags: list[float] = []
    watching = asyncio.create_task(watch(lags))
    began, worked = time.perf_counter(), time.process_time()
    outcomes = await recover(base / "journals", DirectoryStore(base / "transcripts"), FORMATS)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    if any(outcome.state is not State.FINALISED for outcome in outcomes):
        raise RuntimeError(f"not all was recovered: {next(o for o in outcomes if o.state is not State.FINALISED)}")
    return {
        "journals": len(outcomes),
        "seconds": seconds,
        "processor_s": worked,
        "idle_mb": idle,
        "peak_mb": peak_mb(),
        "lag_p99_ms": 1000 * percentile(lags, 99),
        "lag_most_ms": 1000 * max(lags),
    }


async def watch(lags: list[float]) -> None:
    """Note how much later than asked this task comes to run."""
    while True:
        asked = time.perf_counter() + LOOK_EVERY_S
        await asyncio.sleep(LOOK_EVERY_S)
        lags.append(time.perf_counter() - asked)


if __name__ == "__main__":
    sys.exit(main())
