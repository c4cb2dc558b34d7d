"""A real livekit-server for the tests: the project's `livekit.yaml`, on free loopback ports.

The fixture `livekit_server` starts one server a session. Rooms are apart by name: each test uses its own.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from bootstrap import livekit_server as program
from tests.parts.availability import PROJECT, require

READY_WITHIN_S = 20
LOG_LINES_SHOWN = 60
DEPARTURE_TIMEOUT_S = 1  # a room ends soon after its last caller left: tests wait for that


@dataclass(frozen=True, slots=True)
class LiveKitServer:
    """A running server: where it listens, its credentials, its log and its process."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)
    log: Path
    pid: int


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that are free for both TCP and UDP; held together so that they differ."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            tcp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                ports.append(tcp.getsockname()[1])
        return ports


@contextlib.contextmanager
def running(
    directory: Path,
    departure_timeout_s: int = DEPARTURE_TIMEOUT_S,
    *,
    redis: str | None = None,
    api_secret: str | None = None,
) -> Iterator[LiveKitServer]:
    """Starts a server that keeps its files in `directory`; stops it when the block ends.

    Args:
        directory: where its configuration and its log are.
        departure_timeout_s: how long a room stays after its last caller left.
        redis: address of the Redis by which it is one of several nodes; without one it is alone.
        api_secret: that of the other nodes; a new one without.

    Raises:
        RuntimeError: It did not answer, three times over; the message ends with its log.
    """
    binary = program.find(PROJECT)
    if binary is None:
        raise RuntimeError("there is no livekit-server; run `make setup`")
    api_key, api_secret = "test-key", api_secret or secrets.token_hex(32)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVEKIT_")}
    environment["LIVEKIT_KEYS"] = f"{api_key}: {api_secret}"
    configuration, log = directory / "livekit.yaml", directory / "livekit-server.log"
    # A port that was free a moment ago may be taken by now: then again, with other ports.
    for _ in range(3):
        port, udp_port = free_ports(2)
        configuration.write_text(_configuration(port, udp_port, departure_timeout_s, redis))
        with log.open("ab") as output:
            process = subprocess.Popen(
                [binary, "--config", configuration],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment,
            )  # fmt: skip
        try:
            if _answers(process, port):
                yield LiveKitServer(f"ws://127.0.0.1:{port}", api_key, api_secret, log, process.pid)
                return
        finally:
            _stop(process)
    raise RuntimeError(f"livekit-server did not answer.\n{_tail(log)}")


def _configuration(port: int, udp_port: int, departure_timeout_s: int, redis: str | None) -> str:
    configuration = yaml.safe_load((PROJECT / "livekit.yaml").read_text())
    configuration["port"] = port
    # No TCP for audio: the server would open that port on every address of the machine.
    configuration["rtc"] |= {"udp_port": udp_port, "tcp_port": 0}
    configuration["room"]["departure_timeout"] = departure_timeout_s
    if redis is not None:
        configuration["redis"] = {"address": redis}
    return yaml.safe_dump(configuration)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), direct.open(f"http://127.0.0.1:{port}/", timeout=1):
            return True
        time.sleep(0.02)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    # The first signal lets the server drain, as long as its rooms live; the second makes it leave.
    for sent, patience_s in ((signal.SIGTERM, 1), (signal.SIGTERM, 3), (signal.SIGKILL, 5)):
        if process.poll() is None:
            process.send_signal(sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience_s)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


_log = pytest.StashKey[Path]()


@pytest.fixture(scope="session")
def livekit_server(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LiveKitServer]:
    """One real server for the session: `.url`, `.api_key`, `.api_secret`, `.log`, `.pid`."""
    require("livekit-server")
    with running(tmp_path_factory.mktemp("livekit-server")) as server:
        pytestconfig.stash[_log] = server.log
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    log = item.config.stash.get(_log, None)
    if report.failed and log is not None and "livekit_server" in getattr(item, "fixturenames", ()):
        report.sections.append((f"the end of {log}", _tail(log)))
    return report
