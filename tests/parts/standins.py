"""The stand-ins of AssemblyAI and OpenAI as processes, and a client for their control endpoint.

A module that needs other options than the defaults overrides `assemblyai_arguments` or `openai_arguments`.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

READY_WITHIN_S = 60
STOPPED_WITHIN_S = 5


@dataclass(frozen=True, slots=True)
class Standin:
    """A running stand-in and its control endpoint."""

    service: str
    url: str
    control_url: str  # answers also while the service refuses connections
    log_file: Path
    pid: int

    @property
    def websocket_url(self) -> str:
        """The same address with the scheme of a WebSocket, as the AssemblyAI plugin takes it."""
        return self.url.replace("http://", "ws://", 1)

    def state(self) -> Any:
        """What `GET /control` says."""
        return self.call("GET", "/control")

    def log(self) -> Any:
        """What the stand-in saw and sent since it began."""
        return self.call("GET", "/control/log")

    def set_fault(self, fault: str, **details: Any) -> None:
        """Switch one fault on."""
        self.call("POST", "/control/faults", {"fault": fault, **details})

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self.call("DELETE", "/control/faults")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request to the control endpoint; the JSON of its answer, None when that is empty.

        Raises:
            urllib.error.HTTPError: The stand-in refused, for instance an unknown fault (400).
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.control_url + path, data, {"Content-Type": "application/json"}, method=method
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def _ready_line(process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any] | None:
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 4096) if readable else b""
        if not piece:
            return None
        line += piece
    ready: dict[str, Any] = json.loads(line)
    return ready


@contextlib.contextmanager
def standin(service: str, arguments: Sequence[str], log_file: Path) -> Iterator[Standin]:
    """Run `python -m standins <service>` on a free port until the block ends.

    Raises:
        RuntimeError: It did not become ready in time; the message ends with its log.
    """
    command = [sys.executable, "-m", "standins", service, "--port", "0", "--exit-on-stdin-eof", *arguments]
    with log_file.open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        ready = _ready_line(process, time.monotonic() + READY_WITHIN_S)
        if ready is None:
            raise RuntimeError(f"the {service} stand-in did not start.\n{log_file.read_text(errors='replace')}")
        yield Standin(service, ready["url"], ready.get("control", ready["url"]), log_file, process.pid)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOPPED_WITHIN_S)
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def assemblyai_arguments() -> Sequence[str]:
    """The command-line options of the AssemblyAI stand-in; a module may override them."""
    return ()


@pytest.fixture(scope="module")
def openai_arguments() -> Sequence[str]:
    """The command-line options of the OpenAI stand-in; a module may override them."""
    return ()


@pytest.fixture(scope="module")
def assemblyai_process(
    assemblyai_arguments: Sequence[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standin]:
    """The AssemblyAI stand-in of a module."""
    with standin("assemblyai", assemblyai_arguments, tmp_path_factory.mktemp("assemblyai") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def openai_process(openai_arguments: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """The OpenAI stand-in of a module."""
    with standin("openai", openai_arguments, tmp_path_factory.mktemp("openai") / "log") as running:
        yield running


@pytest.fixture
def assemblyai_standin(assemblyai_process: Standin) -> Iterator[Standin]:
    """The module's AssemblyAI stand-in; a fault that the test set ends with the test."""
    yield assemblyai_process
    assemblyai_process.clear_faults()


@pytest.fixture
def openai_standin(openai_process: Standin) -> Iterator[Standin]:
    """The module's OpenAI stand-in; a fault that the test set ends with the test."""
    yield openai_process
    openai_process.clear_faults()
