"""Whether this machine can run the worker: Python, operating system, temporary files."""

import os
import tempfile
from pathlib import Path

from worker.errors import Failed, Misconfigured

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)
"""livekit-agents 1.8.9 runs on 3.10 to 3.14, the worker's own code on 3.11 and newer."""


def check_machine(version: tuple[int, int], platform: str) -> None:
    """Check the interpreter's `version` and `sys.platform`.

    Raises:
        Misconfigured: this machine cannot run the worker.
    """
    if platform.startswith("win"):
        raise Misconfigured("Verbatim does not run on Windows itself; run it in WSL 2, where it is a Linux program.")
    if not (platform.startswith("linux") or platform == "darwin"):
        raise Misconfigured(f"Verbatim runs on Linux and macOS, not on {platform}.")
    if not OLDEST_PYTHON <= version <= NEWEST_PYTHON:
        raise Misconfigured(
            f"Verbatim needs Python {_dotted(OLDEST_PYTHON)} to {_dotted(NEWEST_PYTHON)}, "
            f"this is {_dotted(version)}; make a virtual environment with one of these."
        )


def check_temporary_directory() -> None:
    """Check that temporary files can be written: each call's process needs a few.

    Raises:
        Failed: they cannot; on a read-only root file system a tmpfs is missing.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="verbatim-") as directory:
            Path(directory, "probe").write_bytes(os.urandom(16))
    except OSError as error:
        # tempfile tried several directories, and says so in words of its own.
        no_candidate = isinstance(error, FileNotFoundError)
        reason = "no usual directory for them is writable" if no_candidate else error.strerror
        raise Failed(
            f"Temporary files cannot be written ({reason}); mount a tmpfs at /tmp, "
            "or set TMPDIR to a directory that this user may write."
        ) from None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(str(part) for part in version)
