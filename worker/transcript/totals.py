"""Sums over a whole session: what was used, and how fast the answers were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from worker.transcript.events import SttClosed, TurnLatency, UsageReported
from worker.transcript.line import Record
from worker.transcript.model import LatencySummary, ModelUsage, Usage


def usage_of(parts: Iterable[Sequence[Record]]) -> Usage:
    """Return what all parts used: of each part, service and model the newest totals."""
    totals: dict[tuple[str, str], dict[str, int | float]] = {}
    billed: list[float] = []
    for records in parts:
        newest: dict[tuple[str, str], UsageReported] = {}
        for record in records:
            match record.event:
                case UsageReported() as event:
                    newest[event.service, event.model] = event
                case SttClosed(billed_seconds=int() | float() as seconds):
                    billed.append(seconds)
                case _:
                    pass
        for key, event in newest.items():
            total = totals.setdefault(key, {})
            for name, amount in event.amounts.items():
                total[name] = total.get(name, 0) + amount
    models = tuple(
        ModelUsage(service=service, model=model, amounts=dict(sorted(amounts.items())))
        for (service, model), amounts in sorted(totals.items())
    )
    return Usage(models=models, stt_billed_seconds=round(math.fsum(billed), 3) if billed else None)


def latency_of(records: Iterable[Record]) -> LatencySummary:
    """Return how long answers took."""
    answers = sorted(
        record.event.answer_ms
        for record in records
        if isinstance(record.event, TurnLatency) and record.event.answer_ms is not None
    )
    if not answers:
        return LatencySummary()
    return LatencySummary(answers=len(answers), p50_ms=_percentile(answers, 50), p95_ms=_percentile(answers, 95))


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """Nearest rank: the smallest value that `percent` of all do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
