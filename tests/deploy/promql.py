"""Queries of Prometheus: what they ask for, held against the metrics that there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser

from worker.metrics.definitions import WATCHER, of_worker
from worker.metrics.metric import Metric

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*of_worker(), *WATCHER)}
OF_A_TARGET = {"instance", "job"}
"""Labels that Prometheus itself adds."""

PARTS = {"_bucket", "_sum", "_count"}


@dataclass(frozen=True, slots=True)
class Selection:
    """One metric that a query asks for, as it is called there."""

    name: str
    metric: Metric | None
    labels: dict[str, str]


def selections(query: str) -> list[Selection]:
    """What a query asks for.

    Raises:
        ValueError: it is no PromQL.
    """
    return list(_selected(promql_parser.parse(query)))


def grouped_by(query: str) -> set[str]:
    """Labels by which a query's aggregations group."""
    return {label for each in _nodes(promql_parser.parse(query)) for label in _grouping(each)}


def _selected(tree: Any) -> Iterator[Selection]:
    for each in _nodes(tree):
        if isinstance(each, promql_parser.VectorSelector):
            base = next((each.name.removesuffix(part) for part in PARTS if each.name.endswith(part)), each.name)
            metric = METRICS.get(base) or METRICS.get(each.name)
            yield Selection(each.name, metric, {match.name: match.value for match in each.matchers.matchers})


def _grouping(each: Any) -> Iterator[str]:
    if isinstance(each, promql_parser.AggregateExpr) and each.modifier is not None:
        yield from each.modifier.labels


def _nodes(tree: Any) -> Iterator[Any]:
    """A query's parts, each before those that it is made of."""
    yield tree
    for name in ("lhs", "rhs", "expr", "vector_selector", "args", "param"):
        part = getattr(tree, name, None)
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, promql_parser.Expr) or type(each).__module__ == "promql_parser":
                yield from _nodes(each)
