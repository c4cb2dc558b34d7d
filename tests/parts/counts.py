"""What the product counts during a test, beginning at nothing."""

from collections.abc import Callable

import pytest

from worker.metrics import switch_on, tally
from worker.metrics.metric import Metric

Counts = Callable[..., float]
"""Takes a metric, its labels by name and, of a histogram, what of it: `part="count"`."""


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Switches counting on; returns what was counted so far."""
    monkeypatch.setattr(tally, "_counting", None)
    registry = switch_on().registry

    def count(metric: Metric, part: str = "", **labels: str) -> float:
        return registry.get_sample_value(f"{metric.name}_{part}" if part else metric.name, labels) or 0.0

    return count
