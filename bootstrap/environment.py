"""`.venv`: the project with all extras and its tools, as `uv.lock` has them."""

import contextlib
import hashlib
import os
import shutil
import sys
from pathlib import Path

from bootstrap import command, uv


def ready(project: Path) -> bool:
    """Whether `.venv` was made here, from today's `pyproject.toml` and `uv.lock`, for this Python."""
    try:
        return _stamp(project).read_text() == _wanted(project)
    except OSError:
        return False


def prepare(project: Path) -> None:
    """Brings `.venv` up to date.

    Raises:
        SetupError: A package cannot be had, or `uv.lock` is not up to date.
    """
    stamp = _stamp(project)
    # The scripts in a virtual environment know its path: one that moved with the checkout is made anew.
    with contextlib.suppress(OSError):
        if stamp.read_text().splitlines()[:1] != [str(project)]:
            shutil.rmtree(project / ".venv")
    stamp.unlink(missing_ok=True)
    command.run(
        "Python packages",
        [uv.installed(project), "sync", "--locked", "--all-extras", "--project", project],
        environment=uv.environment(project, os.environ),
        log=project / ".tools" / "logs" / "packages.log",
    )
    stamp.write_text(_wanted(project))


def _stamp(project: Path) -> Path:
    return project / ".venv" / ".prepared"


def _wanted(project: Path) -> str:
    files = b"".join((project / name).read_bytes() for name in ("pyproject.toml", "uv.lock"))
    return f"{project}\n{sys.base_prefix} {sys.version}\n{hashlib.sha256(files).hexdigest()}\n"
