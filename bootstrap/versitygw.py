"""versitygw, a real S3 server for the tests: the one on PATH, else the one in `.tools/bin/`, else built from source."""

import shutil
from pathlib import Path

from bootstrap import go
from bootstrap.livekit_server import BuildDetail

VERSION = "1.7.0"
PACKAGE = "github.com/versity/versitygw/cmd/versitygw"
ROOM_NEEDED_MB = 2000
PACKAGES = 550
"""About how many packages the build compiles: for the progress line only."""


def find(project: Path) -> Path | None:
    """The program to use, or None while there is none."""
    on_path = shutil.which("versitygw")
    if on_path is not None:
        return Path(on_path)
    return _built(project) if _built(project).is_file() else None


def ready(project: Path) -> bool:
    """Whether there is a server to use."""
    return find(project) is not None


def prepare(project: Path) -> None:
    """Builds the server.

    Raises:
        SetupError: It cannot be built: no network, no room, no Go.
    """
    go.build(
        project,
        f"versitygw {VERSION}",
        f"{PACKAGE}@v{VERSION}",
        _built(project),
        room_needed_mb=ROOM_NEEDED_MB,
        note=" (built once, 2 to 5 minutes)",
        detail_of=BuildDetail(PACKAGES),
    )


def _built(project: Path) -> Path:
    return project / ".tools" / "bin" / "versitygw"
