"""What Prometheus is told: this process's numbers and those of its jobs, as one.

A call's process keeps its numbers in files of one directory, mapped into memory, so that they are there also after it
was killed. While it lives its files are read at each request; when it is dead they are read once more, added to what
dead processes have counted, and removed. Each number is thus in exactly one place, and the directory holds the files
of running processes alone, however many calls there were.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from worker.metrics import switch_on
from worker.metrics.metric import Metric, Since

logger = logging.getLogger("verbatim.worker")

CLEAR_SECONDS = 60.0
"""Between two looks at whether processes are dead, when nobody asks for metrics."""

_OWNER = re.compile(r"_(\d+)\.db")
"""How the name of a process's file ends (prometheus_client, `values.py`)."""

Counted = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Numbers by the sample's name and its labels."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How something is now, by a gauge."""

    metric: Metric
    value: float
    labels: Sequence[str] = ()


class Exposition:
    """Answers for one process.

    Args:
        metrics: what is exposed, in this order.
        now: reads the gauges; called on the event loop.
        jobs: where the calls' processes keep their numbers, if this process has some.
    """

    def __init__(
        self, metrics: Sequence[Metric], now: Callable[[], Iterable[Reading]], jobs: Path | None = None
    ) -> None:
        self._metrics = metrics
        self._now = now
        self._jobs = jobs
        self._tally = switch_on()
        self._tally.show(metrics)
        self._dead: Counted = {}
        self._lock = threading.Lock()

    async def answer(self, accept: str) -> tuple[bytes, str]:
        """Return the text of all metrics, and its content type, in the form that a request accepts."""
        return await asyncio.to_thread(self._text, list(self._now()), accept)

    async def run(self) -> None:
        """Clear away the files of dead processes until cancelled, also when nobody asks."""
        while True:
            await asyncio.sleep(CLEAR_SECONDS)
            await asyncio.to_thread(self.of_jobs)

    def of_jobs(self) -> Counted:
        """Return what the calls' processes have counted, those that are dead among them. Blocks."""
        with self._lock:
            live = [path for path in self._files() if not self._taken_over(path)]
            return _sum([self._dead, *map(_read, live)])

    def _files(self) -> list[Path]:
        return sorted(self._jobs.glob("*.db")) if self._jobs is not None else []

    def _taken_over(self, path: Path) -> bool:
        """Add the numbers of a dead process to those that are kept here, and remove its file."""
        owner = _OWNER.search(path.name)
        if owner is None or psutil.pid_exists(int(owner[1])):
            return False
        if not path.name.startswith("gauge"):  # how something was in a process that is gone is nothing
            self._dead = _sum([self._dead, _read(path)])
        path.unlink(missing_ok=True)
        return True

    def _text(self, readings: Sequence[Reading], accept: str) -> tuple[bytes, str]:
        registry = CollectorRegistry()
        registry.register(_Families([*REGISTRY.collect(), *self._families(readings)]))
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    def _families(self, readings: Sequence[Reading]) -> Iterator[Family]:
        counted = _sum([_samples(self._tally.registry.collect()), self.of_jobs()])
        for metric in self._metrics:
            family = Family(metric.name.removesuffix("_total"), metric.about, metric.kind)
            if isinstance(metric, Since):
                beginnings = [value for (name, _), value in counted.items() if name == metric.name and value > 0]
                family.add_sample(metric.name, {}, max(0.0, time.time() - min(beginnings)) if beginnings else 0.0)
            elif metric.kind == "gauge":
                names = [label.name for label in metric.labels]
                for reading in readings:
                    if reading.metric is metric:
                        family.add_sample(metric.name, dict(zip(names, reading.labels, strict=True)), reading.value)
            else:
                for (name, labels), value in counted.items():
                    if name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") == metric.name:
                        family.add_sample(name, dict(labels), value)
            yield family


class _Families(Collector):
    """Families that were made already."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._made = families

    def collect(self) -> Sequence[Family]:
        return self._made


def _read(path: Path) -> Counted:
    """Return the numbers in the file of one process; nothing where it is being made, or is no such file."""
    try:
        return _samples(MultiProcessCollector.merge([str(path)]))  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever a file holds, it keeps nobody from the numbers of the others
        logger.debug("the numbers of one process cannot be read: %s", type(error).__name__)
        return {}


def _samples(families: Iterable[Family]) -> Counted:
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def _sum(all_counted: Sequence[Counted]) -> Counted:
    total: Counted = {}
    for counted in all_counted:
        for series, value in counted.items():
            total[series] = total.get(series, 0.0) + value
    return total
