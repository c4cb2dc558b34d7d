"""fake-gcs-server, Google Cloud Storage for the tests: on PATH, else in `.tools/bin/`, else built from source."""

import shutil
from pathlib import Path

from bootstrap import go
from bootstrap.livekit_server import BuildDetail

VERSION = "1.56.1"
PACKAGE = "github.com/fsouza/fake-gcs-server"
ROOM_NEEDED_MB = 2000
PACKAGES = 640
"""About how many packages the build compiles: for the progress line only."""


def find(project: Path) -> Path | None:
    """The program to use, or None while there is none."""
    on_path = shutil.which("fake-gcs-server")
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
        f"fake-gcs-server {VERSION}",
        f"{PACKAGE}@v{VERSION}",
        _built(project),
        room_needed_mb=ROOM_NEEDED_MB,
        note=" (built once, 2 to 5 minutes)",
        detail_of=BuildDetail(PACKAGES),
    )


def _built(project: Path) -> Path:
    return project / ".tools" / "bin" / "fake-gcs-server"
