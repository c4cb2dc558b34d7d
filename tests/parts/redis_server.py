"""A real Redis for the tests, on a free loopback port: what livekit-servers share their rooms through."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.parts.livekit_server import free_ports

READY_WITHIN_S = 20.0


class RedisServer:
    """One server, which may be stopped and started again on the same port.

    Attributes:
        address: host and port, as livekit-server takes it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it, with what it had when it was stopped.

        Raises:
            RuntimeError: it does not answer.
        """
        arguments = {"port": self._port, "bind": "127.0.0.1", "dir": self._directory, "save": "3600 1"}
        with (self._directory / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["redis-server", *(part for name, value in arguments.items() for part in (f"--{name}", str(value)))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        deadline = time.monotonic() + READY_WITHIN_S
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self._ask("PING") == b"+PONG\r\n":
                    return
            time.sleep(0.02)
        raise RuntimeError(f"redis-server does not answer; see {self._directory / 'redis.log'}")

    def stop(self, *, keeps: bool = True) -> None:
        """Stops it; it writes down what it holds, or has lost it when it starts again."""
        if self._process is not None:
            self._process.terminate() if keeps else self._process.kill()
            self._process.wait(READY_WITHIN_S)
            self._process = None
        if not keeps:
            (self._directory / "dump.rdb").unlink(missing_ok=True)

    def _ask(self, command: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(1024)


@contextlib.contextmanager
def running(directory: Path) -> Iterator[RedisServer]:
    """Runs a server that keeps its files in `directory` until the block ends."""
    if shutil.which("redis-server") is None:
        raise RuntimeError("there is no redis-server; install Debian's package `redis-server`")
    directory.mkdir(exist_ok=True)
    server = RedisServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop(keeps=False)
