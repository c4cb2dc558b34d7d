"""A metric: its name, what it tells, and the values that its labels may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from worker.metrics import tally

OTHER = "other"
"""What a label says whose value is not among those that it may have: an unbounded label is a server's end."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label.

    Attributes:
        name: as in queries.
        values: those that it may have; `OTHER` stands for all others. Without any, whoever counts sees to it that
            they are few.
        about: what it says, where the values do not say it themselves.
    """

    name: str
    values: Sequence[str] = ()
    about: str = ""

    def value_for(self, given: str) -> str:
        """Return the value to count under."""
        return given if given in self.values or not self.values else OTHER


@dataclass(frozen=True, slots=True)
class Metric:
    """What all metrics have.

    Attributes:
        name: as exposed, with its unit; a counter's ends in `_total`.
        about: the HELP line, one sentence.
        labels: in the order of their names in queries.
    """

    kind: ClassVar[str]
    name: str
    about: str
    labels: Sequence[Label] = ()

    def _labels(self, given: Mapping[str, str]) -> tuple[str, ...]:
        if given.keys() != {label.name for label in self.labels}:
            raise ValueError(f"{self.name} is counted by {[label.name for label in self.labels]}")
        return tuple(label.value_for(given[label.name]) for label in self.labels)


@dataclass(frozen=True, slots=True)
class Counter(Metric):
    """Goes up alone, in whichever process; what a process counted stays counted when that ends."""

    kind: ClassVar[str] = "counter"

    def count(self, amount: float = 1.0, **labels: str) -> None:
        """Add `amount`; every label is given."""
        if (counting := tally.counting()) is not None:
            counting.add(self, self._labels(labels), amount)


@dataclass(frozen=True, slots=True)
class Histogram(Metric):
    """How long things took, in seconds, by the buckets that these fall into."""

    kind: ClassVar[str] = "histogram"
    buckets: Sequence[float] = field(kw_only=True)

    def observe(self, seconds: float, **labels: str) -> None:
        """Count one that took so long; every label is given."""
        if (counting := tally.counting()) is not None:
            counting.observe(self, self._labels(labels), seconds)


@dataclass(frozen=True, slots=True)
class Gauge(Metric):
    """How something is now. The worker's own process tells it when it is asked, and nobody counts."""

    kind: ClassVar[str] = "gauge"


@dataclass(frozen=True, slots=True)
class Since(Metric):
    """For how many seconds something has been so in a call's process: the longest of all calls that run.

    Exposed as a gauge. A process says since when; how long that is, is found when it is asked, so that it also
    grows in a process that hangs, and is gone with one that dies.
    """

    kind: ClassVar[str] = "gauge"

    def is_so(self, since: float | None) -> None:
        """Say since when (Unix seconds), or `None` where it is not so now."""
        if (counting := tally.counting()) is not None:
            counting.since(self, since)
