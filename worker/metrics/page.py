"""The page for operators, made from the definitions: `python -m worker.metrics.page` writes it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from worker.metrics.definitions import WATCHER, WORKER
from worker.metrics.metric import Metric

HEAD = """\
# Metrics

A worker serves them as `/metrics` on `fleet.health_port`, `verbatim watch` on `fleet.watch_port`, in the text format of
Prometheus and in OpenMetrics. What calls have counted is counted once and for all, whatever becomes of their processes;
like all counters, they begin again at 0 with the worker. `_bucket`, `_sum` and `_count` follow the name of a histogram.

No metric names a room or a caller. Beside these are the framework's (`lk_agents_*`) and those of the worker's own
process (`process_*`, `python_*`).

<!-- Made by `python -m worker.metrics.page`; change the definitions, not this page. -->
"""


def page() -> str:
    """Return `docs/reference/metrics.md`."""
    sections = [*WORKER, ("The watcher", WATCHER)]
    return HEAD + "".join("\n" + "\n".join(_section(heading, metrics)) + "\n" for heading, metrics in sections)


def _section(heading: str, metrics: Iterable[Metric]) -> Iterator[str]:
    yield from (f"## {heading}", "", "| Metric | Kind | What it tells | Labels |", "|---|---|---|---|")
    for metric in metrics:
        yield f"| `{metric.name}` | {metric.kind} | {metric.about} | {_labels(metric)} |"


def _labels(metric: Metric) -> str:
    return "; ".join(
        " ".join(
            part
            for part in (
                f"`{label.name}`{':' if label.values or label.about else ''}",
                ", ".join(f"`{value}`" for value in label.values) + ("." if label.values and label.about else ""),
                label.about,
            )
            if part
        )
        for label in metric.labels
    )


if __name__ == "__main__":
    Path("docs/reference/metrics.md").write_text(page(), encoding="utf-8")
