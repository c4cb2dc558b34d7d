"""Programs in Go that the tests use: on PATH, else in `.tools/bin/`, else built from source."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from bootstrap import go
from bootstrap.livekit_server import BuildDetail


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program that is built from Go's module proxy."""

    name: str
    version: str
    package: str
    packages: int
    """About how many packages the build compiles: for the progress line only."""
    room_needed_mb: int
    minutes: str

    def find(self, project: Path) -> Path | None:
        """The program to use, or None while there is none."""
        on_path = shutil.which(self.name)
        if on_path is not None:
            return Path(on_path)
        return self._built(project) if self._built(project).is_file() else None

    def ready(self, project: Path) -> bool:
        """Whether there is a program to use."""
        return self.find(project) is not None

    def prepare(self, project: Path) -> None:
        """Builds the program.

        Raises:
            SetupError: It cannot be built: no network, no room, no Go.
        """
        go.build(
            project,
            f"{self.name} {self.version}",
            f"{self.package}@v{self.version}",
            self._built(project),
            room_needed_mb=self.room_needed_mb,
            note=f" (built once, {self.minutes} minutes)",
            detail_of=BuildDetail(self.packages),
        )

    def _built(self, project: Path) -> Path:
        return project / ".tools" / "bin" / self.name


versitygw = GoProgram("versitygw", "1.7.0", "github.com/versity/versitygw/cmd/versitygw", 550, 2000, "2 to 5")
"""A real S3 server."""

fake_gcs_server = GoProgram("fake-gcs-server", "1.56.1", "github.com/fsouza/fake-gcs-server", 640, 2000, "2 to 5")
"""Google Cloud Storage, in memory."""

kustomize = GoProgram("kustomize", "5.8.2", "sigs.k8s.io/kustomize/kustomize/v5", 160, 1000, "1 to 2")
"""Builds the Kubernetes manifests."""
