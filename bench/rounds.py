"""Measurements of several rounds: their medians and spread in a table, and several bars."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.verdict import Verdict, conclude


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that was measured, with the most or the least that it may be.

    Attributes:
        name: What is compared.
        values: One of each round; their median counts.
        limit: What the median is held against.
        unit: Of both.
        at_least: Whether more is better.
    """

    name: str
    values: list[float]
    limit: float
    unit: str
    at_least: bool = False

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def met(self) -> bool:
        """Whether the bar was met."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{self.name} {sign} {self.limit:.3g} {self.unit}"


def alternating(rounds: int, measures: Mapping[str, Callable[[], Any]]) -> dict[str, list[Any]]:
    """Run all measures once in each round, so that whatever else the machine does meets all of them."""
    found: dict[str, list[Any]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


def conclude_rounds(
    name: str,
    figures: dict[str, list[float]],
    bars: list[Bar],
    options: argparse.Namespace,
    began: datetime,
) -> int:
    """Print figures and bars, keep them if asked to, and return the exit status: 1 where a bar was missed."""
    verdict = Verdict(
        name,
        bar="; ".join(map(str, bars)),
        met=all(bar.met for bar in bars),
        figures={
            **{name: _summary(values) for name, values in figures.items()},
            "bars": {str(bar): {**_summary(bar.values), "met": bar.met} for bar in bars},
        },
    )
    if not options.json:
        _print(figures, bars)
    if options.json or options.keep:
        return conclude(verdict, options, began)
    return 0 if verdict.met else 1


def _summary(values: list[float]) -> dict[str, float]:
    return {"median": round(median(values), 4), "least": round(min(values), 4), "most": round(max(values), 4)}


def _print(figures: dict[str, list[float]], bars: list[Bar]) -> None:
    console = Console()
    table = Table("measured", "median", "least", "most")
    for name, values in figures.items():
        table.add_row(name, *[f"{value:.3f}" for value in _summary(values).values()])
    console.print(table)
    table = Table("bar", "value", "met")
    for bar in bars:
        table.add_row(str(bar), f"{bar.value:.3f}", "[green]yes[/]" if bar.met else "[red]no[/]")
    console.print(table)
