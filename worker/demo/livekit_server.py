"""The LiveKit server of the demo: where its program is, and its configuration."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from worker.errors import Failed

OLDEST = (1, 13, 5)
"""The version that the worker is tested with."""

TOOLS = Path(__file__).parents[2] / ".tools" / "bin"
"""Where `make` puts the programs that it builds for this checkout."""


def find_livekit_server() -> Path:
    """Return the program: from PATH if it is new enough, else the one that `make` built.

    Raises:
        Failed: there is none.
    """
    for found in (shutil.which("livekit-server"), TOOLS / "livekit-server"):
        if found is not None and os.access(found, os.X_OK) and version_of(Path(found)) >= OLDEST:
            return Path(found)
    oldest = ".".join(str(number) for number in OLDEST)
    raise Failed(
        f"livekit-server {oldest} or newer was not found; in the project's directory `make demo` builds it "
        "(2 minutes, once), or put it on PATH."
    )


def version_of(program: Path) -> tuple[int, ...]:
    """Return the version that `program` prints, or () if it prints none."""
    try:
        printed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parse_version(printed.stdout)


def parse_version(text: str) -> tuple[int, ...]:
    """Return the first dotted number in `text` as integers, or ()."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(number) for number in found.group().split(".")) if found else ()


def configuration(port: int, tcp_port: int, udp_port: int, key: str, secret: str, address: str = "127.0.0.1") -> str:
    """Return a configuration for one machine: `address` only, no Redis, rooms that close soon."""
    return f"""\
port: {port}
bind_addresses: ["{address}"]
keys:
  {key}: {secret}
rtc:
  tcp_port: {tcp_port}
  udp_port: {udp_port}
  node_ip: {address}
  use_external_ip: false
  enable_loopback_candidate: true
room:
  departure_timeout: 5
logging:
  level: info
"""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
