"""Child processes end with their context, also those that do not want to, and those of theirs."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil
import pytest

from worker.demo import processes
from worker.demo.processes import Child, child, kill_all
from worker.errors import Failed

STUBBORN = Path(__file__).with_name("stubborn.py")


@contextlib.asynccontextmanager
async def stubborn(directory: Path, *options: str) -> AsyncIterator[tuple[Child, list[psutil.Process]]]:
    """A child that ignores SIGTERM, and its processes."""
    arguments = [sys.executable, str(STUBBORN), *options]
    async with child("the child", arguments, log=directory / "log", environment={}) as running:
        ready = await running.ready(30)
        yield running, [psutil.Process(pid) for pid in ready["pids"]]


def still_running(family: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that do not end within 5 s; an orphan that init has not collected yet has ended."""
    deadline = time.monotonic() + 5
    while (alive := [process for process in family if not _is_over(process)]) and time.monotonic() < deadline:
        psutil.wait_procs(alive, timeout=0.05)
    return alive


def _is_over(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(processes, "REST_SECONDS", 0.1)


@pytest.fixture
def endless_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 3600.0)


@pytest.mark.usefixtures("little_patience")
@pytest.mark.parametrize("options", [[], ["leave-child"]])
async def test_a_child_that_ignores_sigterm_is_killed_with_all_that_it_started(
    tmp_path: Path, options: list[str]
) -> None:
    async with stubborn(tmp_path, *options) as (_, family):
        pass

    assert still_running(family) == []


@pytest.mark.usefixtures("little_patience")
async def test_what_a_child_leaves_when_it_dies_is_killed_too(tmp_path: Path) -> None:
    async with stubborn(tmp_path) as (running, family):
        family[0].kill()
        await running.ended()

    assert still_running(family) == []


@pytest.mark.usefixtures("endless_patience")
async def test_a_stop_that_is_cancelled_kills_at_once(tmp_path: Path) -> None:
    async with stubborn(tmp_path) as (running, family):
        stopping = asyncio.create_task(running.stop())
        assert await anext(running.lines()) == {"event": "told"}
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping

        assert still_running(family) == []


@pytest.mark.usefixtures("endless_patience")
async def test_the_last_resort_kills_all_that_runs(tmp_path: Path) -> None:
    async with stubborn(tmp_path) as (_, one), stubborn(tmp_path) as (_, other):
        kill_all()

        assert await asyncio.to_thread(still_running, one + other) == []


async def test_a_child_that_ended_is_forgotten(tmp_path: Path) -> None:
    async with child("the child", ["true"], log=tmp_path / "log", environment={"PATH": "/usr/bin:/bin"}) as running:
        assert await running.ended() == 0

    assert processes._groups == set()


async def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="the child cannot be started: No such file"):
        async with child("the child", [str(tmp_path / "none")], log=tmp_path / "log", environment={}):
            pass
