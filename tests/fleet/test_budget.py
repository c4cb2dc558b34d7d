"""Minutes of calls of a day: shared by the workers of a node, and not forgotten at a restart."""

import logging
from datetime import date
from pathlib import Path

import pytest

from worker.fleet.budget import FILE, DailyBudget

TODAY = date(2026, 11, 21)


def budget(directory: Path, day: date = TODAY) -> DailyBudget:
    return DailyBudget(directory, lambda: day)


async def test_a_restart_begins_with_what_was_spent(tmp_path: Path) -> None:
    first = budget(tmp_path)
    first.spend(90)
    assert first.minutes == 1.5
    await first.save()
    second = budget(tmp_path)
    await second.save()
    assert second.minutes == first.minutes == 1.5


async def test_workers_of_one_node_spend_the_same_minutes(tmp_path: Path) -> None:
    one, other = budget(tmp_path), budget(tmp_path)
    one.spend(60)
    other.spend(120)
    await one.save()
    await other.save()
    await one.save()
    assert one.minutes == other.minutes == 3.0


async def test_a_new_day_begins_with_nothing(tmp_path: Path) -> None:
    day = TODAY
    watched = DailyBudget(tmp_path, lambda: day)
    watched.spend(600)
    await watched.save()
    day = date(2026, 11, 22)
    assert watched.minutes == 0
    await watched.save()
    assert watched.minutes == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"day": "2026-11-21"}', '{"day": "2026-11-21", "seconds": "x"}'])
async def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    watched = budget(tmp_path)
    watched.spend(60)
    await watched.save()
    assert watched.minutes == 1.0


async def test_without_its_file_the_minutes_are_counted_all_the_same_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched = budget(tmp_path / "gone")
    watched.spend(60)
    with caplog.at_level(logging.WARNING):
        await watched.save()
        await watched.save()
    assert watched.minutes == 1.0
    assert len(caplog.records) == 1
