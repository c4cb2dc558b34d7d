"""Azurite, Azure Blob Storage for the tests: taken by npm into `.tools/`, where there is Node.js."""

import os
import shutil
from pathlib import Path

from bootstrap import command, surroundings

VERSION = "3.35.0"
"""The newest that runs on every Node.js that is still about; later ones ask for Node.js 21."""


def find(project: Path) -> Path | None:
    """The script that Node.js runs, or None while there is none."""
    script = _home(project) / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    return script if script.is_file() else None


def ready(project: Path) -> bool:
    """Whether there is nothing to do: it is there, or there is no Node.js to run it."""
    return find(project) is not None or shutil.which("node") is None or shutil.which("npm") is None


def prepare(project: Path) -> None:
    """Installs it beside its final place, then moves it there in one step.

    Raises:
        SetupError: It cannot be had.
    """
    partial = _home(project).with_name(f"azurite-{VERSION}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    options = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--omit=dev"]
    command.run(
        f"Azurite {VERSION}",
        ["npm", "install", *options, "--prefix", partial, f"azurite@{VERSION}"],
        environment=surroundings.for_commands(os.environ),
        log=project / ".tools" / "logs" / "azurite.log",
        note=" (once, about a minute)",
    )
    partial.rename(_home(project))


def _home(project: Path) -> Path:
    return project / ".tools" / f"azurite-{VERSION}"
