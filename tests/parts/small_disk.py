"""A disk of its own for a test, small enough to be filled: a tmpfs, which only root can mount."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

KIBIBYTES = 512


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted file system."""

    path: Path

    @property
    def _filler(self) -> Path:
        return self.path / "filler"

    def fill(self) -> None:
        """Leaves not a page free."""
        try:
            with self._filler.open("ab", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    def free(self) -> None:
        """Makes room again."""
        self._filler.unlink()


@contextmanager
def small_disk(path: Path, kibibytes: int = KIBIBYTES) -> Iterator[SmallDisk]:
    """Mounts one at `path`, which is made, until the block ends."""
    path.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode=0700", "verbatim-test", str(path)]
    done = subprocess.run(mount, capture_output=True, text=True, timeout=20)
    if done.returncode:
        pytest.skip(f"needs a mount: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: whoever still has a file there must not keep the mount alive.
        subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=20)
