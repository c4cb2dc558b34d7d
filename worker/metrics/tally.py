"""What this process has counted.

The numbers are prometheus_client's. In a call's process they are in files of the directory that
`PROMETHEUS_MULTIPROC_DIR` names, mapped into memory: they are there after the process was killed. The worker's own
process keeps its numbers itself, and adds those of its jobs to them (`worker.fleet.exposition`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics import MetricWrapperBase

    from worker.metrics.metric import Counter, Histogram, Metric, Since

_counting: Tally | None = None


def counting() -> Tally | None:
    """Return what this process counts with, or `None` where it does not count."""
    return _counting


def switch_on() -> Tally:
    """Count from now on in this process; the first call of a process decides, later ones change nothing."""
    global _counting
    if _counting is None:
        _counting = Tally()
    return _counting


class Tally:
    """Numbers by metric. For any thread."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry

        self.registry: CollectorRegistry = CollectorRegistry()
        self._metrics: dict[Metric, MetricWrapperBase] = {}

    def add(self, metric: Counter, labels: Sequence[str], amount: float) -> None:
        """Count `amount` more."""
        self._of(metric, labels).inc(amount)  # type: ignore[attr-defined]

    def observe(self, metric: Histogram, labels: Sequence[str], seconds: float) -> None:
        """Count one more that took so long."""
        self._of(metric, labels).observe(seconds)  # type: ignore[attr-defined]

    def since(self, metric: Since, since: float | None) -> None:
        """Note since when it is so."""
        self._of(metric, ()).set(since or 0.0)  # type: ignore[attr-defined]

    def show(self, metrics: Sequence[Metric]) -> None:
        """Begin all series of `metrics` whose labels are known at 0: a rate needs what was before the first."""
        for metric in metrics:
            if metric.kind != "gauge" and all(label.values for label in metric.labels):
                for values in itertools.product(*(label.values for label in metric.labels)):
                    self._of(metric, values)

    def _of(self, metric: Metric, labels: Sequence[str]) -> MetricWrapperBase:
        made = self._metrics.get(metric)
        if made is None:
            made = self._metrics[metric] = self._made(metric)
        return made.labels(*labels) if labels else made

    def _made(self, metric: Metric) -> MetricWrapperBase:
        import prometheus_client

        names = [label.name for label in metric.labels]
        match metric.kind:
            case "counter":
                return prometheus_client.Counter(metric.name, metric.about, names, registry=self.registry)
            case "histogram":
                return prometheus_client.Histogram(
                    metric.name,
                    metric.about,
                    names,
                    buckets=metric.buckets,  # type: ignore[attr-defined]
                    registry=self.registry,
                )
            case _:
                return prometheus_client.Gauge(
                    metric.name, metric.about, names, registry=self.registry, multiprocess_mode="liveall"
                )
