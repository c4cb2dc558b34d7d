"""One way to break the product, and a copy of the checkout in which that is done."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.parts.availability import PROJECT

LEFT_OUT = (".*", "__pycache__", "bench", "build", "dist", "docs", "journals", "transcripts", "var")
"""What no test of a mutation needs; names that begin with a dot among them, so that `.git` stays out of the copy."""

DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class Edit:
    """A text of one file, which is there exactly once, and what comes in its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A promise that is broken on purpose.

    Attributes:
        name: What is wrong then.
        edits: How it is done.
        tests: The tests of which at least one must fail, as pytest takes them.
    """

    name: str
    edits: Sequence[Edit]
    tests: Sequence[str]


class Fate(Enum):
    """What became of a mutation."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    UNCLEAR = "unclear"
    """The tests did not run to their end, or found nothing to run."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests said of a mutation, which of them failed first, and how long that took, in seconds."""

    fate: Fate
    noticed_by: str
    took_s: float


class NoLongerApplies(Exception):
    """The product has changed so that an edit does not find its text; the list has to follow."""


class Copy:
    """A copy of the checkout, to be broken."""

    def __init__(self, directory: Path) -> None:
        self._root = directory / "copy"
        shutil.copytree(PROJECT, self._root, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)

    def run(self, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs tests on the copy as it is, until the first fails."""
        environment = os.environ | {"PYTHONPATH": str(self._root), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        return subprocess.run(
            command, cwd=self._root, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=DEADLINE_S,
        )  # fmt: skip

    def check(self, mutation: Mutation) -> None:
        """Looks whether every edit finds its text.

        Raises:
            NoLongerApplies: one does not; the message names it.
        """
        for edit in mutation.edits:
            self._edited(mutation, edit)

    def result(self, mutation: Mutation) -> Result:
        """Breaks the copy, runs the tests and mends it again.

        Raises:
            NoLongerApplies: an edit does not find its text.
        """
        began = time.monotonic()
        edited = {self._root / edit.file: self._edited(mutation, edit) for edit in mutation.edits}
        whole = {path: path.read_text() for path in edited}
        try:
            for path, text in edited.items():
                path.write_text(text)
            done = self.run(mutation.tests)
            # pytest: 0 is all passed, 1 is some failed.
            fate = {0: Fate.SURVIVED, 1: Fate.CAUGHT}.get(done.returncode, Fate.UNCLEAR)
            failed = re.search(r"^FAILED \S+?::(\w+)", done.stdout, re.MULTILINE)
            noticed_by = failed[1] if failed else ""
        except subprocess.TimeoutExpired:
            fate, noticed_by = Fate.CAUGHT, "a test that hung"
        finally:
            for path, text in whole.items():
                path.write_text(text)
        return Result(fate, noticed_by, time.monotonic() - began)

    def _edited(self, mutation: Mutation, edit: Edit) -> str:
        text = (self._root / edit.file).read_text()
        if text.count(edit.old) != 1:
            raise NoLongerApplies(
                f"{mutation.name}: {edit.file} has {text.count(edit.old)} times, not once, the text {edit.old!r}"
            )
        return text.replace(edit.old, edit.new)
