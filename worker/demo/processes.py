"""Child processes that never outlive the demo, whatever ends it."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from worker.errors import Failed

STOP_SECONDS = 10.0
"""How long a process may take to end by itself, before it is killed."""

REST_SECONDS = 1.0
"""How long what a process started may outlive it, before that is killed."""

KILLED_SECONDS = 5.0
"""How long the system may take to report the end of a process that was killed."""

LAST_LINES = 12

_groups: set[int] = set()
"""The process groups of all children that may run: the last resort, once the loop is gone."""


class Child:
    """One running process; its standard error is kept in a file.

    Args:
        name: as people read it.
        process: started in a session of its own, so that Ctrl-C reaches the demo alone.
        log: the file.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the JSON objects that the process prints, a line each, until it closes its output."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    async def ready(self, seconds: float) -> dict[str, Any]:
        """Return the first JSON object that the process prints.

        Raises:
            Failed: the process ended first, or printed nothing within `seconds`.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for line in self.lines():
                    return line
        raise self.failure(f"was not ready within {seconds:.0f} s" if self.running else "ended at its start")

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.returncode is None

    async def ended(self) -> int:
        """Wait for the end and return the exit status."""
        return await self._process.wait()

    def failure(self, what: str) -> Failed:
        """Return the error that this process `what`, with the last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:] if self.log.exists() else []
        tail = "".join(f"\n    {line[:400]}" for line in lines)
        return Failed(f"{self.name} {what}. The end of its log ({self.log}):{tail or ' nothing'}")

    async def stop(self) -> None:
        """End the process and all that it started: SIGTERM, some patience, then SIGKILL.

        Cancelled, it has no patience.
        """
        if self._process.pid not in _groups:
            return
        try:
            if self.running:
                with contextlib.suppress(ProcessLookupError):
                    self._process.send_signal(signal.SIGTERM)
                await _within(STOP_SECONDS, self._process.wait())
            await _within(REST_SECONDS, self._alone())
        finally:
            _kill(self._process.pid)
            await _within(KILLED_SECONDS, self._process.wait())
            _groups.discard(self._process.pid)

    async def _alone(self) -> None:
        """Wait until nothing of what the process started is left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while True:
                os.killpg(self._process.pid, 0)
                await asyncio.sleep(0.02)


def kill_all() -> None:
    """Kill every process that runs in a `child` context, and all that they started; waits for nothing."""
    for group in tuple(_groups):
        _kill(group)


def _kill(group: int) -> None:
    # A group without members is gone; macOS refuses where only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


async def _within(seconds: float, event: Awaitable[object]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event


@asynccontextmanager
async def child(
    name: str, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str]
) -> AsyncIterator[Child]:
    """Run a process for as long as the context lasts.

    Raises:
        Failed: it cannot be started.
    """
    with log.open("wb") as stream:
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stream,
                env=dict(environment),
                start_new_session=True,
                limit=2**20,
            )
        except OSError as error:
            raise Failed(f"{name} cannot be started: {error.strerror or error}.") from None
    _groups.add(process.pid)
    running = Child(name, process, log)
    try:
        yield running
    finally:
        await running.stop()
