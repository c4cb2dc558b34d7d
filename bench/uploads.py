"""What shipping a running call costs the event loop that carries its audio: beside no store, three kinds of stores.

    python -m bench.uploads [--rounds 5] [--seconds 20] [--json] [--keep]

Each round runs four processes that are like a job's, one after the other: an event loop with a journal, a shipper,
and a clock in place of the audio, which ticks every 10 ms as frames do. Their store is none, a real S3 server, the
same one when it answers a byte a second, and one that is stopped. Events come ten times as often as in a lively call,
and are shipped as much sooner. Counted is how much later than due a tick comes, as far as the process itself made it
late: at most the processor time that all its threads together took since, and not what its own thread waited for a
processor. Work of other processes is not the uploads'. What is left of noise is the same in all four. Linux only: that
wait is read from /proc.
"""

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.long_call import long_call
from bench.rounds import Bar, alternating, conclude_rounds
from bench.verdict import add_arguments, percentile
from config.sections.storage import StorageSettings
from tests.parts.availability import PROJECT
from tests.parts.object_stores import ObjectServer, running_versitygw
from tests.parts.tcp_proxy import Fault, TcpProxy
from worker.storage.journal.journal import Journal
from worker.storage.stores.choice import open_store
from worker.storage.stores.store import Store
from worker.storage.storing import shipping
from worker.storage.storing.leases import Lease
from worker.storage.storing.shipping import Shipper
from worker.transcript.reading import read_lines

BAR_MS = 2.0
FRAME_S = 0.01
FASTER = 10
"""How much more often events come, and segments leave, than in a call."""

STORES = {"none": None, "fast": Fault.NONE, "slow": Fault.SLOW, "stopped": Fault.STOPPED}
BUCKET = "calls"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="of each process")
    parser.add_argument("--job", metavar="URL", help=argparse.SUPPRESS)
    add_arguments(parser)
    options = parser.parse_args()
    if options.job is not None:
        print(json.dumps(asyncio.run(_job(options.job, options.seconds))))
        return 0
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="verbatim-bench-") as name, running_versitygw(Path(name)) as server:
        server.new_bucket(BUCKET)
        with _proxied(server) as proxy:
            measures = {store: lambda store=store: _measure(server, proxy, store, options.seconds) for store in STORES}
            found = alternating(options.rounds, measures)
    figures: dict[str, list[float]] = {}
    bars = []
    for store in STORES:
        for what in ("p50", "p99", "max"):
            figures[f"{store}, a tick late, {what}, ms"] = [each[what] for each in found[store]]
        figures[f"{store}, segments put"] = [each["segments"] for each in found[store]]
        figures[f"{store}, longest callback, ms"] = [each["callback"] for each in found[store]]
        if store != "none":
            figures[f"{store}, opened before there is audio, ms"] = [each["opened"] for each in found[store]]
            for what in ("p99", "max"):
                more = [max(0.0, a[what] - b[what]) for a, b in zip(found[store], found["none"], strict=True)]
                bars.append(Bar(f"{store}: {what} later than without a store", more, BAR_MS, "ms"))
            bars.append(Bar(f"{store}: longest callback", [each["callback"] for each in found[store]], BAR_MS, "ms"))
    return conclude_rounds("uploads", figures, bars, options, began)


def _measure(server: ObjectServer, proxy: "_Proxy", store: str, seconds: float) -> dict[str, float]:
    fault = STORES[store]
    if fault is not None:
        proxy.set(fault, "/parts/" if fault is Fault.SLOW else "")  # the lease comes before the first segment
    command = [sys.executable, "-m", "bench.uploads", "--seconds", str(seconds)]
    command += ["--job", proxy.endpoint if fault is not None else ""]
    run = subprocess.run(
        command, cwd=PROJECT, env=os.environ | server.environment, stdout=subprocess.PIPE, check=True, text=True
    )
    figures: dict[str, float] = json.loads(run.stdout)
    told = f"{store:8} p99 {figures['p99']:6.3f} ms, max {figures['max']:6.3f} ms, {figures['segments']:.0f} segments"
    print(told, file=sys.stderr)
    return figures


class _Proxy:
    """A proxy that runs in a loop of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, proxy: TcpProxy) -> None:
        self._loop = loop
        self._proxy = proxy

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._proxy.port}"

    def set(self, fault: Fault, only: str) -> None:
        asyncio.run_coroutine_threadsafe(self._proxy.set(fault, only=only), self._loop).result(10)


@contextmanager
def _proxied(server: ObjectServer) -> Iterator[_Proxy]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = TcpProxy(server.port)
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
        yield _Proxy(loop, proxy)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _job(endpoint: str, seconds: float) -> dict[str, float]:
    """What a job does with its journal, and how late its ticks come; without a store where there is no endpoint."""
    shipping.SHIP_AFTER_S /= FASTER
    shipping.RENEW_S /= FASTER
    times = _LoopTimes()
    with tempfile.TemporaryDirectory(prefix="verbatim-bench-") as name:
        journal = await Journal.create(Path(name), "RM_1-verbatim", f"AJ_{time.time_ns()}")
        shipper, opened = None, 0.0
        if endpoint:
            began = time.perf_counter()
            store = await asyncio.to_thread(open_store, StorageSettings(url=f"s3://{BUCKET}", endpoint=endpoint))
            opened = 1000 * (time.perf_counter() - began)
            shipper = _shipper(journal, store)
        writing = asyncio.create_task(_write(journal))
        await asyncio.sleep(1)  # the first second warms up what a call warms up before its first word
        times.callbacks.clear()
        late = await times.ticks(seconds)
        longest = max(times.callbacks)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        segments = shipper._number if shipper is not None else 0
        if shipper is not None:
            for task in [*shipper._duties, *shipper._puts]:
                task.cancel()
        await journal.close()
    return {
        **{f"p{percent}": 1000 * percentile(late, percent) for percent in (50, 99)},
        "max": 1000 * max(late),
        "callback": 1000 * longest,
        "segments": segments,
        "opened": opened,
    }


def _shipper(journal: Journal, store: Store) -> Shipper:
    async def opened() -> Store:
        return store

    lease = Lease(prefix="2026/11/21/bench/RM_1-verbatim", room="bench", room_sid="RM_1", agent_identity="agent")
    shipper = Shipper(opened, journal.path, journal.path.stem, lease)
    journal.copy_to(shipper.take)
    shipper.start()
    return shipper


async def _write(journal: Journal) -> None:
    """Append the events of a lively call over and over, with its own pauses, only shorter."""
    records = read_lines(long_call(minutes=10)).records
    for record, following in itertools.pairwise(itertools.cycle(records)):
        if record.event is not None:
            await journal.append(record.event)
        await asyncio.sleep(max(0, following.ms - record.ms) / 1000 / FASTER)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A reading of the clocks, all in seconds."""

    at: float
    waited: float
    """For a processor, this thread so far."""
    used: float
    """Processor time of all threads so far."""

    @classmethod
    def now(cls) -> "_Moment":
        return cls(time.monotonic(), _waited_s(), time.process_time())

    def caused_since(self, before: "_Moment", due: float) -> float:
        """What of the time from `due` to this moment the process itself has caused, at most."""
        return max(0.0, min(self.at - due - (self.waited - before.waited), self.used - before.used))


class _LoopTimes:
    """What each callback of the loop takes, in seconds, as far as the process itself causes it."""

    def __init__(self) -> None:
        self.callbacks: list[float] = []
        self._ends: deque[_Moment] = deque([_Moment.now()], maxlen=1000)
        self._run = asyncio.events.Handle._run
        asyncio.events.Handle._run = lambda handle: self._timed(handle)  # type: ignore[method-assign]

    def _timed(self, handle: asyncio.events.Handle) -> None:
        began = _Moment.now()
        self._run(handle)
        ended = _Moment.now()
        self.callbacks.append(ended.caused_since(began, began.at))
        self._ends.append(ended)

    async def ticks(self, seconds: float) -> list[float]:
        """Tick for so long, and return how late each tick came."""
        late: list[float] = []
        due = time.monotonic() + FRAME_S
        ends_at = due + seconds
        while due < ends_at:
            await asyncio.sleep(due - time.monotonic())
            now = _Moment.now()
            late.append(now.caused_since(self._last_before(due), due))
            due = max(due + FRAME_S, now.at)
        return late

    def _last_before(self, due: float) -> _Moment:
        """The end of the last callback before `due`."""
        return next((moment for moment in reversed(self._ends) if moment.at <= due), self._ends[0])


def _waited_s() -> float:
    """How long this thread has waited for a processor so far (Linux, Documentation/scheduler/sched-stats)."""
    with open("/proc/thread-self/schedstat") as statistics:  # noqa: PTH123 - read twice a callback
        return int(statistics.read().split()[1]) / 1e9


if __name__ == "__main__":
    sys.exit(main())
