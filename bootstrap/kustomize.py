"""kustomize, which builds the Kubernetes manifests: the one on PATH, else built from source into `.tools/bin/`."""

import shutil
from pathlib import Path

from bootstrap import go
from bootstrap.livekit_server import BuildDetail

VERSION = "5.8.2"
PACKAGE = "sigs.k8s.io/kustomize/kustomize/v5"
ROOM_NEEDED_MB = 1000
PACKAGES = 160
"""About how many packages the build compiles: for the progress line only."""


def find(project: Path) -> Path | None:
    """The program to use, or None while there is none."""
    on_path = shutil.which("kustomize")
    if on_path is not None:
        return Path(on_path)
    return _built(project) if _built(project).is_file() else None


def ready(project: Path) -> bool:
    """Whether there is a program to use."""
    return find(project) is not None


def prepare(project: Path) -> None:
    """Builds the program.

    Raises:
        SetupError: It cannot be built: no network, no room, no Go.
    """
    go.build(
        project,
        f"kustomize {VERSION}",
        f"{PACKAGE}@v{VERSION}",
        _built(project),
        room_needed_mb=ROOM_NEEDED_MB,
        note=" (built once, 1 to 2 minutes)",
        detail_of=BuildDetail(PACKAGES),
    )


def _built(project: Path) -> Path:
    return project / ".tools" / "bin" / "kustomize"
