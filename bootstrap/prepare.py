"""The steps of the preparation, in their order."""

import argparse
import errno
import signal
import sys
from pathlib import Path
from typing import Protocol

from bootstrap import azurite, environment, livekit_server, lock
from bootstrap.errors import SetupError
from bootstrap.go_programs import fake_gcs_server, kustomize, versitygw

PROJECT = Path(__file__).resolve().parents[1]


class Step(Protocol):
    """One thing to have; each is a module of this package."""

    def ready(self, project: Path) -> bool:
        """Whether it is there already; quick."""

    def prepare(self, project: Path) -> None:
        """Makes it; raises SetupError when it cannot be had."""


def main(arguments: list[str]) -> int:
    """Makes what is missing; silent when nothing is.

    Args:
        arguments: `--packages-only` leaves livekit-server out; `--tests` adds what only tests need.

    Returns:
        The exit status: 0, 1 when something cannot be had, 130 or 143 when interrupted.
    """
    parser = argparse.ArgumentParser(prog="python3 -m bootstrap", description="Prepare this checkout.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--packages-only", action="store_true", help="leave livekit-server out")
    which.add_argument("--tests", action="store_true", help="add what only tests need")
    options = parser.parse_args(arguments)
    steps: list[Step] = [environment] if options.packages_only else [environment, livekit_server]
    if options.tests:
        steps += [versitygw, fake_gcs_server, azurite, kustomize]
    signal.signal(signal.SIGTERM, _leave)
    try:
        prepare(PROJECT, steps)
    except SetupError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _fail("The disk is full; make room and run the same command again.")
        return _fail(f"{error.filename or PROJECT} cannot be written or read: {error.strerror}.")
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. What is complete is kept; run the same command again to go on.\n")
        return 130
    return 0


def prepare(project: Path, steps: list[Step]) -> None:
    """Takes each step that is not done yet, one run at a time.

    Raises:
        SetupError: A step cannot be done.
    """
    if all(step.ready(project) for step in steps):
        return
    with lock.held(project / ".tools" / "lock"):
        for step in steps:
            if not step.ready(project):
                step.prepare(project)


def _leave(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1
