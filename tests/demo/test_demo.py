"""`verbatim demo`, as a person runs it: a process in an empty directory."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import signal
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.demo.test_processes import still_running

pytestmark = [pytest.mark.slow, pytest.mark.alone]

STEP_SECONDS = 90
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
USUAL = {
    "livekit-server answers": signal.SIGHUP,
    "A caller joins room": signal.SIGINT,
    "caller  ": signal.SIGTERM,
}
"""Moments of a demo, each with a signal: every other one at that moment is for the soak tests, for a run takes long."""


class Demo:
    """A running demo: its output so far, and its processes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output = ""

    async def prints(self, text: str) -> None:
        """Wait until the demo has printed `text`."""
        assert self.process.stdout is not None
        async with asyncio.timeout(STEP_SECONDS):
            while text not in self.output:
                piece = await self.process.stdout.read(4096)
                if not piece:
                    raise AssertionError(f"the demo ended without printing {text!r}:\n{self.output}")
                self.output += piece.decode()

    async def ends(self) -> int:
        """Wait for the end, keep the rest of the output, return the exit status."""
        assert self.process.stdout is not None
        async with asyncio.timeout(STEP_SECONDS):
            self.output += (await self.process.stdout.read()).decode()
            return await self.process.wait()

    def family(self) -> list[psutil.Process]:
        """Return the demo's processes, those of its children too."""
        return psutil.Process(self.process.pid).children(recursive=True)


def _hear_signals() -> None:
    """The run of the tests may itself have been started with signals ignored."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


def _take_terminal() -> None:
    """Make standard input the terminal of this session: its end is then told by SIGHUP."""
    _hear_signals()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.asynccontextmanager
async def demo(directory: Path, *options: str, **environment: str) -> AsyncIterator[Demo]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "demo", *options,
        cwd=directory,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=_hear_signals,
    )  # fmt: skip
    running = Demo(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
            await running.ends()


async def test_a_whole_call_is_held_shown_and_stored(tmp_path: Path) -> None:
    async with demo(tmp_path) as running:
        await running.prints("A caller joins room")
        family = running.family()
        assert await running.ends() == 0

    assert still_running(family) == []
    (document,) = tmp_path.glob("transcripts/**/transcript.json")
    transcript = json.loads(document.read_text())
    assert transcript["complete"] is True
    assert sum(turn["role"] == "user" for turn in transcript["turns"]) >= 5
    assert sum(turn["interrupted"] for turn in transcript["turns"]) == 1
    assert str(document.with_suffix(".md")) in running.output
    for turn in transcript["turns"]:
        assert turn["text"].split()[0] in running.output
    assert list(tmp_path.glob("journals/*/*.jsonl")) == []


@pytest.mark.parametrize(
    ("moment", "sent", "expected"),
    [
        pytest.param(moment, sent, expected, marks=() if usual is sent else pytest.mark.soak)
        for moment, usual in USUAL.items()
        for sent, expected in STATUS.items()
    ],
)
async def test_a_demo_that_is_stopped_leaves_nothing_running(
    tmp_path: Path, moment: str, sent: signal.Signals, expected: int
) -> None:
    async with demo(tmp_path, TMPDIR=str(tmp_path)) as running:
        await running.prints(moment)
        family = running.family()
        running.process.send_signal(sent)
        status = await running.ends()

    assert status == expected
    assert "nothing is left running" in running.output
    assert "Traceback" not in running.output
    assert still_running(family) == []
    assert list(tmp_path.glob("verbatim-demo-*")) == []


@pytest.mark.parametrize("moment", ["livekit-server answers", "caller  "])
async def test_a_second_ctrl_c_leaves_nothing_running_either(tmp_path: Path, moment: str) -> None:
    async with demo(tmp_path) as running:
        await running.prints(moment)
        family = running.family()
        running.process.send_signal(signal.SIGINT)
        await running.prints("Stopping")
        running.process.send_signal(signal.SIGINT)
        status = await running.ends()

    assert status == 130
    assert "nothing is left running" in running.output
    assert "Traceback" not in running.output
    assert still_running(family) == []


async def test_a_terminal_that_is_closed_leaves_nothing_running(tmp_path: Path) -> None:
    terminal, inside = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "demo",
        cwd=tmp_path,
        env={**os.environ, "TERM": "dumb"},
        stdin=inside, stdout=inside, stderr=inside,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(inside)
    shown = b""
    async with asyncio.timeout(STEP_SECONDS):
        while b"caller  " not in shown:
            shown += await asyncio.to_thread(os.read, terminal, 4096)
        family = psutil.Process(process.pid).children(recursive=True)
        os.close(terminal)
        status = await process.wait()

    assert status == 129
    assert still_running(family) == []


@pytest.mark.parametrize("part", ["livekit-server", "standins assemblyai", "worker start"])
async def test_a_part_that_dies_is_named_and_nothing_is_left_running(tmp_path: Path, part: str) -> None:
    async with demo(tmp_path, TMPDIR=str(tmp_path)) as running:
        await running.prints("A caller joins room")
        family = running.family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):  # a voice lives for one sentence
                if part in " ".join(process.cmdline()):
                    process.kill()
        status = await running.ends()

    assert status == 1
    assert "ended during the call" in running.output
    (kept,) = tmp_path.glob("verbatim-demo-*")
    assert str(kept) in running.output
    assert "Traceback" not in running.output.partition("The end of its log")[0]
    assert still_running(family) == []


async def test_join_prints_what_a_person_needs_and_stays_up_until_it_is_stopped(tmp_path: Path) -> None:
    async with demo(tmp_path, "--join") as running:
        await running.prints("Ctrl-C stops everything")
        family = running.family()
        running.process.send_signal(signal.SIGINT)
        status = await running.ends()

    assert status == 0
    assert "ws://127.0.0.1:" in running.output
    assert "Token  ey" in running.output
    assert still_running(family) == []
