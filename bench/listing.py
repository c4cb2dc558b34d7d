"""How long listing and looking for transcripts takes beside many, how many requests it costs, and how much memory.

    python -m bench.listing [--sessions 100000] [--days 100] [--json] [--keep]

The store is a local directory with one manifest and one segment a session, each session in a room of its own: the
most expensive way for a given number of sessions. Each round is a process of its own, in which everything counts,
the interpreter too.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.replay import peak_mb
from bench.rounds import Bar, conclude_rounds
from bench.verdict import add_arguments
from worker.storage.sessions.catalogue import Catalogue, Span
from worker.storage.sessions.finding import find
from worker.storage.sessions.retention import Retention
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import StoredObject

ROUNDS = 3
LAST_DAY = date(2026, 11, 21)
DEADLINE_S = 600
AT_FIRST = 50
"""Sessions that `verbatim transcripts ls` shows."""

BAR_MB = 120
BAR_REQUESTS = 2.2
"""A session of the day: its room is listed, its manifest read, and a little more."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.listing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=100_000, help="default 100000")
    parser.add_argument("--days", type=int, default=100, help="over which they are spread (default 100)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    add_arguments(parser)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(asyncio.run(measured(options.store, MEASURES[options.measure]))))
        return 0
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as directory:
        make(Path(directory), options.sessions, options.days)
        rounds = {name: [in_own_process(Path(directory), name) for _ in range(options.rounds)] for name in MEASURES}
    figures = {
        f"{name}: {figure}": [each[figure] for each in measured_]
        for name, measured_ in rounds.items()
        for figure in ("seconds", "requests", "most memory, MB")
    }
    a_day = options.sessions / options.days
    bars = [
        Bar("requests for the newest", [each["requests"] for each in rounds["newest"]], BAR_REQUESTS * a_day, ""),
        Bar("requests of an idle look of retention", [each["requests"] for each in rounds["retention"]], 20, ""),
        Bar("most memory for all", [each["most memory, MB"] for each in rounds["all"]], BAR_MB, "MB"),
    ]
    return conclude_rounds("listing", figures, bars, options, began)


def make(directory: Path, sessions: int, days: int) -> None:
    """Write the store."""
    for number in range(sessions):
        day = LAST_DAY - timedelta(days=number % days)
        at = f"{day}T{number // days % 24:02}:{number % 60:02}:00.000Z"
        session = directory / f"{day:%Y/%m/%d}/room-{number}/RM_{number}-verbatim"
        (session / "parts/AJ_1").mkdir(parents=True)
        (session / "parts/AJ_1/000001.jsonl").write_bytes(b"{}\n")
        (session / "manifest.json").write_text(json.dumps(manifest(number, at)))


def manifest(number: int, at: str) -> Mapping[str, object]:
    """Return what the manifest of a session says that began at `at`."""
    return {
        "format": "verbatim.manifest/1",
        "state": "final",
        "generation": 1,
        "transcript_id": f"RM_{number}-verbatim",
        "room": {"name": f"room-{number}", "sid": f"RM_{number}"},
        "agent": "verbatim",
        "started_at": at,
        "ended_at": at,
        "reason": "caller_left",
        "complete": True,
        "counts": {"turns": 40, "participants": 1, "gaps": 0, "errors": 0},
        "parts": [],
        "files": {f"transcript.{format_}": {"size": 1, "sha256": "0" * 64} for format_ in ("json", "md", "txt")},
    }


class CountingStore(DirectoryStore):
    """A store that counts what it is asked."""

    requests = 0

    async def get(self, key: str) -> bytes | None:
        """Count it, and do it."""
        self.requests += 1
        return await super().get(key)

    async def directories(self, under: str = "") -> Sequence[str]:
        """Count it, and do it."""
        self.requests += 1
        return await super().directories(under)

    async def objects(self, prefix: str = "") -> Sequence[StoredObject]:
        """Count it, and do it."""
        self.requests += 1
        return await super().objects(prefix)


async def newest(store: CountingStore, catalogue: Catalogue) -> None:
    sessions = catalogue.newest()
    for _ in range(AT_FIRST):
        await anext(sessions)


async def one_day(store: CountingStore, catalogue: Catalogue) -> None:
    assert await catalogue.sessions(span=Span(LAST_DAY, LAST_DAY))


async def everything(store: CountingStore, catalogue: Catalogue) -> None:
    async for _ in catalogue.newest():
        pass


async def oldest_by_id(store: CountingStore, catalogue: Catalogue) -> None:
    days = await catalogue.days(await catalogue.now())
    await find(catalogue, f"RM_{len(days) - 1}-verbatim")


async def retention(store: CountingStore, catalogue: Catalogue) -> None:
    assert not await Retention(store, Path("/nowhere"), 365).sweep(LAST_DAY)


MEASURES: Mapping[str, Callable[[CountingStore, Catalogue], Awaitable[None]]] = {
    "newest": newest,
    "a day": one_day,
    "all": everything,
    "the oldest by its id": oldest_by_id,
    "retention": retention,
}


async def measured(directory: Path, measure: Callable[[CountingStore, Catalogue], Awaitable[None]]) -> dict[str, float]:
    """Do it once, here."""
    store = CountingStore(directory)
    began = time.perf_counter()
    await measure(store, Catalogue(store, directory / "journals"))
    return {"seconds": time.perf_counter() - began, "requests": store.requests, "most memory, MB": peak_mb()}


def in_own_process(directory: Path, measure: str) -> dict[str, float]:
    """Do it in a fresh process and return what it measured."""
    command = [sys.executable, "-m", "bench.listing", "--store", str(directory), "--measure", measure]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE_S)
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


if __name__ == "__main__":
    sys.exit(main())
