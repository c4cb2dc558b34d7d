"""What an accepted event costs: append to synced, alone and with many sessions, beside two baselines.

    python -m bench.journal [--sessions 25] [--json] [--keep]

The baselines are a bare write and fdatasync of the same bytes, and SQLite in WAL mode with synchronous=FULL, one
insert a transaction. All are measured in turn in every round, on the same disk.

Many sessions are as many processes, as a worker has them. SQLite is then measured in three ways: one database of the
node, as one would keep it to list and recover from; a file of each session, awaited on an event loop like the
journal; and that file written by blocking calls, which would hold up the audio.
"""

import argparse
import asyncio
import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from operator import sub, truediv
from pathlib import Path

from bench.rounds import Bar, alternating, conclude_rounds
from bench.verdict import add_arguments, percentile
from worker.storage.disk import Disk
from worker.storage.journal.file import JournalFile
from worker.storage.journal.journal import Journal
from worker.storage.journal.writer import Writer
from worker.transcript.events import UserFinal
from worker.transcript.line import encode

ROUNDS = 9
TURNS = 10
"""Of each method in a round, one after the other: what else the machine does changes within a second."""
APPENDS = 40
"""Of one turn."""
SESSION_APPENDS = 100
DEADLINE_S = 60.0
INSERT = "INSERT INTO events VALUES (?)"
EVENT = UserFinal(
    participant="caller",
    text="two large pizzas with mushrooms, one without cheese, to the same address as last time please",
    stream="S1",
    turn_order=7,
    started_ms=120_000,
    ended_ms=123_000,
)
LINE = encode(0, "2026-11-21T10:00:00.000Z", 123_456, EVENT, "0123456789abcdef")

Times = list[float]
"""Milliseconds of each append."""


def bare(directory: Path, appends: int) -> Times:
    """Write and sync in a loop, with nothing around it."""
    descriptor = os.open(directory / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    disk, times = Disk(), []
    for _ in range(appends):
        began = time.perf_counter()
        os.write(descriptor, LINE)
        disk.sync(descriptor)
        times.append(1000 * (time.perf_counter() - began))
    os.close(descriptor)
    return times


def sqlite(directory: Path, appends: int) -> Times:
    """Insert one row a transaction, blocking."""
    with _database(directory / "sqlite") as connection:
        return [_timed(partial(connection.execute, INSERT, (LINE,))) for _ in range(appends)]


def sqlite_of_the_node(directory: Path, appends: int) -> Times:
    """The same in one database that all sessions write to."""
    return sqlite(directory.parent, appends)


def sqlite_awaited(directory: Path, appends: int) -> Times:
    """The same in a thread of its own, awaited on an event loop."""

    async def insert(connection: sqlite3.Connection) -> Times:
        loop, times = asyncio.get_running_loop(), []
        with ThreadPoolExecutor(1) as thread:
            for _ in range(appends):
                began = time.perf_counter()
                await loop.run_in_executor(thread, connection.execute, INSERT, (LINE,))
                times.append(1000 * (time.perf_counter() - began))
        return times

    with _database(directory / "sqlite") as connection:
        return asyncio.run(insert(connection))


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=DEADLINE_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS events (line BLOB)")
    yield connection
    connection.close()


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


class TimedWriter(Writer):
    """Takes the time in its thread: from the moment it has a group to the moment that it would tell of its sync."""

    times: Times

    def _next_group(self) -> tuple[list[bytes], bool]:
        group = super()._next_group()
        self._began = time.perf_counter()
        return group

    def _tell(self, error: OSError | None) -> None:
        self.times.append(1000 * (time.perf_counter() - self._began))
        super()._tell(error)


def in_writer_thread(directory: Path, appends: int) -> Times:
    """Append one line after the other, measured in the thread that writes."""

    async def append() -> Times:
        told = asyncio.Event()
        TimedWriter.times = []
        begin = partial(JournalFile.create, directory / "writer.jsonl", Disk())
        writer = TimedWriter(begin, (), 0, asyncio.get_running_loop(), lambda *_: told.set())
        for _ in range(appends):
            told.clear()
            writer.write(LINE)
            await told.wait()
        writer.end()
        writer.join(5)
        return TimedWriter.times

    return asyncio.run(append())


def awaited_on_loop(directory: Path, appends: int) -> Times:
    """Append and await one event after the other, as the pipeline does."""

    async def append() -> Times:
        journal = await Journal.create(directory, "RM_1-verbatim", "AJ_1")
        times = await _append(journal, appends)
        await journal.close()
        return times

    return asyncio.run(append())


async def _append(journal: Journal, appends: int) -> Times:
    times = []
    for _ in range(appends):
        began = time.perf_counter()
        accepted = await journal.append(EVENT)
        times.append(1000 * (time.perf_counter() - began))
        assert accepted.durable
    return times


def in_one_process(sessions: int, directory: Path, appends: int) -> float:
    """Return events a second of many journals on one event loop."""

    async def append() -> float:
        journals = [await Journal.create(directory, "RM_1-verbatim", f"AJ_{each}") for each in range(sessions)]
        began = time.perf_counter()
        await asyncio.gather(*[_append(journal, appends) for journal in journals])
        seconds = time.perf_counter() - began
        for journal in journals:
            await journal.close()
        return sessions * appends / seconds

    return asyncio.run(append())


def in_many_processes(
    sessions: int, method: Callable[[Path, int], Times], directory: Path, appends: int
) -> tuple[float, Times]:
    """Return events a second of one process a session, as a worker has them, and the times of all."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(sessions + 1, timeout=DEADLINE_S)
    results: multiprocessing.Queue[Times] = context.Queue()
    own = [directory / str(number) for number in range(sessions + 1)]
    for each in own:
        each.mkdir()
    method(own.pop(), 3)  # so that every process finds everything imported, and the database of the node

    def run(each: Path) -> None:
        ready.wait()
        results.put(method(each, appends))

    processes = [context.Process(target=run, args=(each,), daemon=True) for each in own]
    for process in processes:
        process.start()
    try:
        ready.wait()
        began = time.perf_counter()
        times = [each for _ in processes for each in results.get(timeout=DEADLINE_S)]
        seconds = time.perf_counter() - began
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.kill()
    return sessions * appends / seconds, times


def fresh(base: Path, measure: Callable[[Path, int], object], appends: int) -> object:
    """Run `measure` in an empty directory, which is gone afterwards."""
    directory = Path(tempfile.mkdtemp(dir=base))
    try:
        return measure(directory, appends)
    finally:
        shutil.rmtree(directory)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=25, help="how many sessions at once (default 25)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--directory", type=Path, default=Path(), help="on which disk (default: here)")
    add_arguments(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.directory) as base:
        return measure(Path(base), options)


def measure(base: Path, options: argparse.Namespace) -> int:
    """Measure everything and print it; return the exit status."""
    began = datetime.now(UTC)
    sessions = options.sessions
    one = {"bare": bare, "writer thread": in_writer_thread, "awaited on the loop": awaited_on_loop, "sqlite": sqlite}
    turns = alternating(
        options.rounds * TURNS, {name: partial(fresh, base, method, APPENDS) for name, method in one.items()}
    )
    alone: dict[str, list[Times]] = {
        name: [list(chain.from_iterable(times[each : each + TURNS])) for each in range(0, len(times), TURNS)]
        for name, times in turns.items()
    }
    processes = {
        "journals": awaited_on_loop,
        "sqlite of the node": sqlite_of_the_node,
        "sqlite files, awaited": sqlite_awaited,
        "sqlite files, blocking": sqlite,
    }
    many = alternating(
        options.rounds,
        {
            name: partial(fresh, base, partial(in_many_processes, sessions, method), SESSION_APPENDS)
            for name, method in processes.items()
        },
    )
    on_one_loop = alternating(
        options.rounds, {"": partial(fresh, base, partial(in_one_process, sessions), SESSION_APPENDS)}
    )
    figures: dict[str, list[float]] = {}
    for name, rounds in alone.items():
        figures[f"{name}, p50, ms"] = [percentile(times, 50) for times in rounds]
        figures[f"{name}, p99, ms"] = [percentile(times, 99) for times in rounds]
    for name, rounds in many.items():
        figures[f"{sessions} {name}, p50, ms"] = [percentile(times, 50) for _, times in rounds]
        figures[f"{sessions} {name}, p99, ms"] = [percentile(times, 99) for _, times in rounds]
        figures[f"{sessions} {name}, events a second"] = [rate for rate, _ in rounds]
    figures[f"{sessions} journals on one loop, events a second"] = on_one_loop[""]

    def compared(name: str, other: str, how: Callable[[float, float], float]) -> list[float]:
        return [how(a, b) for a, b in zip(figures[name], figures[other], strict=True)]

    bars = [
        Bar("writer thread / bare, p50", compared("writer thread, p50, ms", "bare, p50, ms", truediv), 1.2, "times"),
        Bar("on the loop - bare, p50", compared("awaited on the loop, p50, ms", "bare, p50, ms", sub), 0.5, "ms"),
        Bar("on the loop - bare, p99", compared("awaited on the loop, p99, ms", "bare, p99, ms", sub), 2, "ms"),
        *[
            Bar(
                f"{sessions} sessions, journals / {other}, events a second",
                compared(f"{sessions} journals, events a second", f"{sessions} {other}, events a second", truediv),
                1,
                "times",
                at_least=True,
            )
            for other in ("sqlite of the node", "sqlite files, awaited")
        ],
    ]
    return conclude_rounds("journal", figures, bars, options, began)


if __name__ == "__main__":
    sys.exit(main())
