"""The real worker, `python -m worker start`, as a process that is stopped by its id."""

import contextlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.parts.livekit_server import free_ports
from tests.rooms.surroundings import Surroundings

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 20.0


class WorkerProcess:
    """A worker that runs.

    Attributes:
        port: On which it serves its health.
        log_file: What it wrote to standard output and standard error.
    """

    def __init__(self, process: subprocess.Popen[bytes], log_file: Path, port: int) -> None:
        self._process = process
        self.port = port
        self.log_file = log_file

    @property
    def pid(self) -> int:
        """Its main process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Its log so far."""
        return self.log_file.read_text(errors="replace")

    def wait_until_ready(self, deadline_s: float = READY_WITHIN_S) -> None:
        """Returns when it is ready for calls.

        Raises:
            RuntimeError: it ended, or was not ready in time; the message ends with its log.
        """
        self._wait_for(deadline_s, ready=True)

    def wait_until_lines_are_made(self) -> None:
        """Returns when it asks its voice for nothing any more that no call asked for.

        Raises:
            RuntimeError: it still does; the message ends with its log.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        while "the lines for trouble are made" not in self.log:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the worker has not made its lines.\n{self.log}")
            time.sleep(0.05)

    def wait_until_draining(self) -> None:
        """Returns when it takes no more calls.

        Raises:
            RuntimeError: it ended, or still takes some; the message ends with its log.
        """
        self._wait_for(READY_WITHIN_S, ready=False)

    def _wait_for(self, deadline_s: float, *, ready: bool) -> None:
        deadline = time.monotonic() + deadline_s
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._is_ready() is ready:
                return
            time.sleep(0.05)
        what = "is not ready" if ready else "does not drain"
        raise RuntimeError(f"the worker {what} (exit status {self._process.poll()}).\n{self.log}")

    def _is_ready(self) -> bool | None:
        """What it says of itself; None while it says nothing."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                return True
        except urllib.error.HTTPError:
            return False
        except OSError:
            return None

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to its main process, as a platform does."""
        self._process.send_signal(number)

    def wait(self, deadline_s: float) -> int:
        """Its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs at the deadline.
        """
        return self._process.wait(deadline_s)

    def stop(self) -> None:
        """Ends it: politely, twice, and then for good."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOPPED_WITHIN_S)


def launch(
    surroundings: Surroundings, name: str, settings: Mapping[str, str] | None = None, *, own_group: bool = False
) -> WorkerProcess:
    """Starts a worker for the agent `name`, which its caller has to stop.

    Args:
        surroundings: What it works with.
        name: The agent's name, under which it is dispatched.
        settings: Environment variables beside the usual ones.
        own_group: Whether it leads a process group, so that a signal can be sent to all its processes at once.
    """
    directory = surroundings.directory / name
    directory.mkdir(exist_ok=True)
    log_file = directory / "worker.log"
    (port,) = free_ports(1)
    environment = surroundings.environment(port, {"VERBATIM_AGENT__NAME": name, **(settings or {})})
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", "start"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=directory,
            start_new_session=own_group,
        )  # fmt: skip
    return WorkerProcess(process, log_file, port)


@contextlib.contextmanager
def working(
    surroundings: Surroundings, name: str, settings: Mapping[str, str] | None = None, *, wait: bool = True
) -> Iterator[WorkerProcess]:
    """Runs a worker as `launch` does until the block ends.

    Args:
        surroundings: What it works with.
        name: The agent's name, under which it is dispatched.
        settings: Environment variables beside the usual ones.
        wait: Whether to return only when it is ready for calls.
    """
    worker = launch(surroundings, name, settings)
    try:
        if wait:
            worker.wait_until_ready()
        yield worker
    finally:
        worker.stop()
