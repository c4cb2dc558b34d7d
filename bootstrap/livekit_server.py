"""livekit-server: the one on PATH if new enough, else the one in `.tools/bin/`, else built from source."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from bootstrap import go

VERSION = (1, 13, 5)
MODULE = "github.com/livekit/livekit-server/cmd/server"
ROOM_NEEDED_MB = 3000
PACKAGES = 790
"""About how many packages the build compiles: for the progress line only."""


def text(version: tuple[int, ...]) -> str:
    """A version as it is written: `1.13.5`."""
    return ".".join(map(str, version))


def version_in(output: str) -> tuple[int, ...] | None:
    """The version in what `livekit-server --version` prints: `livekit-server version 1.13.5`."""
    match = re.search(r"version v?(\d+)\.(\d+)\.(\d+)", output)
    return tuple(int(number) for number in match.groups()) if match else None


def first_usable(candidates: Iterable[Path], version_of: Callable[[Path], tuple[int, ...] | None]) -> Path | None:
    """The first candidate whose version is the wanted one or newer."""
    for candidate in candidates:
        version = version_of(candidate)
        if version is not None and version >= VERSION:
            return candidate
    return None


def find(project: Path) -> Path | None:
    """The program to use, or None while there is none."""
    on_path = shutil.which("livekit-server")
    candidates = [Path(on_path)] if on_path else []
    return first_usable([*candidates, built(project)], _version_of)


def built(project: Path) -> Path:
    """Where the server that is built here lies."""
    return project / ".tools" / "bin" / "livekit-server"


def ready(project: Path) -> bool:
    """Whether there is a server to use."""
    return find(project) is not None


def prepare(project: Path) -> None:
    """Builds the server beside its final place, then moves it there in one step.

    Raises:
        SetupError: It cannot be built: no network, no room, no Go.
    """
    go.build(
        project,
        f"livekit-server {text(VERSION)}",
        f"{MODULE}@v{text(VERSION)}",
        built(project),
        room_needed_mb=ROOM_NEEDED_MB,
        note=" (built once, about 2 minutes)",
        detail_of=BuildDetail(),
    )


class BuildDetail:
    """Counts what `go install -v` reports: modules that it fetches, then packages that it compiles."""

    def __init__(self, expected: int = PACKAGES) -> None:
        self._expected = expected
        self._modules = 0
        self._packages = 0

    def __call__(self, line: str) -> str:
        """What to show after this line."""
        if line.startswith("go: downloading"):
            self._modules += 1
            return f"{self._modules} modules fetched"
        self._packages += 1
        return f"{self._packages} of about {self._expected} packages  {line.strip()}"


def _version_of(program: Path) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
            env={name: value for name, value in os.environ.items() if not name.startswith("LIVEKIT_")},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return version_in(answer.stdout)
