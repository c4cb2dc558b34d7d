"""One preparation at a time: a second `make` waits for the first."""

import contextlib
import fcntl
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bootstrap.errors import SetupError
from bootstrap.progress import spoken_time

DEADLINE_S = 30 * 60
POLL_S = 0.2


@contextlib.contextmanager
def held(path: Path, deadline_s: float = DEADLINE_S) -> Iterator[None]:
    """Holds the lock file for the block; the system frees it when the holder dies.

    Raises:
        SetupError: Another preparation held it for too long.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        deadline = time.monotonic() + deadline_s
        told = False
        while not _taken(file.fileno()):
            if not told:
                sys.stderr.write("Another run is preparing this checkout; waiting for it.\n")
                told = True
            if time.monotonic() > deadline:
                raise SetupError(
                    f"Another run has been preparing this checkout for {spoken_time(deadline_s)}; "
                    "stop it, then run the same command again."
                )
            time.sleep(POLL_S)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
