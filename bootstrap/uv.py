"""uv, the installer of the Python packages: taken by pip into `.tools/`."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bootstrap import command, surroundings

VERSION = "0.13.9"


def installed(project: Path) -> Path:
    """The uv program; installs it first where this version of it is missing.

    Raises:
        SetupError: It cannot be had.
    """
    program = _home(project) / "bin" / "uv"
    if not program.is_file():
        _install(project)
    return program


def _install(project: Path) -> None:
    partial = _home(project).with_name(f"uv-{VERSION}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    environment = surroundings.for_commands(os.environ)
    log = project / ".tools" / "logs" / "uv.log"
    make: list[str | Path] = [python(), "-m", "venv", partial]
    command.run("Virtual environment for uv", make, environment=environment, log=log)
    options = ["--no-input", "--no-user", "--disable-pip-version-check", f"uv=={VERSION}"]
    install: list[str | Path] = [partial / "bin" / "python", "-m", "pip", "install", *options]
    command.run(f"uv {VERSION}", install, environment=environment, log=log)
    # Beside its final place until here, so that what lies there is complete.
    partial.rename(_home(project))


def environment(project: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a run of uv: this Python, never a downloaded one, and the checkout's own `.venv`."""
    bundled = next(_home(project).glob("lib/python*/site-packages/pip/_vendor/certifi/cacert.pem"), None)
    return surroundings.for_commands(environ, bundled) | {
        "UV_PROJECT_ENVIRONMENT": str(project / ".venv"),
        "UV_PYTHON": python(),
        "UV_PYTHON_DOWNLOADS": "never",
    }


def python() -> str:
    """The Python to build upon: the one beneath a virtual environment, if this runs in one."""
    return getattr(sys, "_base_executable", sys.executable)


def _home(project: Path) -> Path:
    return project / ".tools" / f"uv-{VERSION}"
