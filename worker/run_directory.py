"""The directory that belongs to one process: `<fleet.run_dir>/<pid>/`, readable by nobody else.

Process ids are used again, and after a crash nobody tidies up: a lock, which ends with its process, tells a directory
that is in use from one that was left.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from worker.errors import Failed

LOCK: Final = "lock"

SOCKET: Final = "jobs.sock"
"""Name of the socket of the calls' processes."""

TEMPORARY: Final = "tmp"
"""Name of the directory for temporary files: a call's process that is killed leaves some."""

LONGEST_IN_TEMPORARY: Final = len("/pymp-12345678/listener-12345678")
"""What the address of a socket among the temporary files adds: the forkserver's (Python, `multiprocessing`)."""

LONGEST_ADDRESS: Final = 103
"""Bytes that the address of a Unix socket may have: 107 on Linux, 103 on macOS (`sun_path`)."""


class RunDirectory:
    """Holds the directory of this process from `open` to `close`.

    Args:
        run_dir: where all of them are.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._lock: int | None = None
        self.path = run_dir / str(os.getpid())
        """The directory."""

    @property
    def temporary(self) -> Path | None:
        """The directory for temporary files; `None` where its path would be too long for a socket in it."""
        path = self.path / TEMPORARY
        return path if len(os.fsencode(path)) + LONGEST_IN_TEMPORARY <= LONGEST_ADDRESS else None

    def open(self) -> None:
        """Make the directory, and remove what processes left that are gone.

        Raises:
            Failed: it cannot be made, another worker has it, or its path is too long for a socket.
        """
        if len(os.fsencode(self.path / SOCKET)) > LONGEST_ADDRESS:
            raise Failed(f"fleet.run_dir {self._run_dir} is too long a path for a socket in it; choose a shorter one.")
        try:
            self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in self._run_dir.iterdir():
                _remove_if_left(left)
            if self.path.exists():  # a process of the same id, in another container
                raise Failed(
                    f"{self.path} is in use by another worker; give each container a fleet.run_dir of its own."
                )
            while self._lock is None:
                self._lock = self._claimed()
            (self.path / TEMPORARY).mkdir(mode=0o700)
        except OSError as error:
            raise Failed(
                f"fleet.run_dir {self._run_dir} cannot be used ({error.strerror}); "
                "set it to a directory that this user may write."
            ) from None

    def _claimed(self) -> int | None:
        """Make the directory and lock it; `None` where another worker that starts took it for one that was left."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        lock = None
        try:
            lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)  # it is held by the other for the moment of its removal
            if os.path.samestat(os.fstat(lock), (self.path / LOCK).stat()):
                return lock
        except FileNotFoundError:
            pass
        if lock is not None:
            os.close(lock)
        return None

    def close(self) -> None:
        """Remove the directory."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def usual_run_dir() -> Path:
    """Return where the directories of this user's processes are, unless a setting says otherwise."""
    return Path(tempfile.gettempdir()) / f"verbatim-{os.getuid()}"


def socket_of(run_dir: Path, pid: int) -> Path:
    """Return the socket on which the worker of that process id listens to its calls' processes."""
    return run_dir / str(pid) / SOCKET


def _remove_if_left(directory: Path) -> None:
    """Remove the directory of a process that is gone; what is not such a directory stays."""
    if not directory.name.isdecimal():
        return
    with suppress(OSError):  # also where it is locked, or was removed by another worker meanwhile
        descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(descriptor)
