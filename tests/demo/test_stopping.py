"""A signal ends the work and its processes, whenever and however often it comes."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.demo.test_processes import STUBBORN, still_running, stubborn
from worker.demo import processes
from worker.demo.stopping import STOPPING_SIGNALS, Stopped, run_until_told
from worker.errors import Failed


class Orders:
    """Counts how often the work was told to stop."""

    count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture(autouse=True)
def default_handlers() -> None:
    """The run of the tests may itself have been started with signals ignored."""
    for each in STOPPING_SIGNALS:
        if signal.getsignal(each) is signal.SIG_IGN:
            signal.signal(each, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_a_signal_ends_the_work_and_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals, status: int
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(processes, "REST_SECONDS", 0.1)
    family: list[psutil.Process] = []
    orders = Orders()

    async def work() -> None:
        async with stubborn(tmp_path) as (_, started):
            family.extend(started)
            os.kill(os.getpid(), sent)
            await asyncio.Event().wait()

    before = signal.getsignal(sent)
    with pytest.raises(Stopped) as stopped:
        run_until_told(work(), orders)

    assert stopped.value.exit_status == status
    assert orders.count == 1
    assert still_running(family) == []
    assert signal.getsignal(sent) is before


@pytest.mark.parametrize("first", STOPPING_SIGNALS, ids=str)
def test_a_ctrl_c_while_stopping_ends_all_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: signal.Signals
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 3600.0)
    family: list[psutil.Process] = []

    async def work() -> None:
        async with stubborn(tmp_path) as (running, started):
            family.extend(started)
            os.kill(os.getpid(), first)
            insisting = asyncio.create_task(_insist(running.lines()))
            try:
                await asyncio.Event().wait()
            finally:
                try:
                    await running.stop()
                finally:
                    await insisting

    with pytest.raises(Stopped) as stopped:
        run_until_told(work(), Orders())

    assert stopped.value.told_by == first
    assert still_running(family) == []


async def _insist(lines: object) -> None:
    """Press Ctrl-C as soon as the child has been asked to end."""
    assert await anext(lines) == {"event": "told"}  # type: ignore[call-overload]
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("repeated", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_other_signals_while_stopping_change_nothing(repeated: signal.Signals) -> None:
    finished = []

    async def work() -> None:
        os.kill(os.getpid(), repeated)
        try:
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), repeated)
            await asyncio.sleep(0)
            finished.append(True)

    with pytest.raises(Stopped):
        run_until_told(work(), Orders())

    assert finished == [True]


def test_a_process_that_is_left_when_the_loop_is_gone_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, STUBBORN], stdout=subprocess.PIPE, start_new_session=True) as left:
        assert left.stdout is not None
        assert b"ready" in left.stdout.readline()
        monkeypatch.setattr(processes, "_groups", {left.pid})

        async def work() -> None:
            raise Failed("The work broke off.")

        with pytest.raises(Failed):
            run_until_told(work(), Orders())

        assert left.wait(10) == -signal.SIGKILL


def test_what_was_ignored_before_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)

    try:
        run_until_told(work(), Orders())
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_error_of_the_work_passes_on() -> None:
    async def work() -> None:
        raise Failed("This is what happened.")

    with pytest.raises(Failed, match="This is what happened"):
        run_until_told(work(), Orders())
