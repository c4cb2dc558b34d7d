"""`python -m worker` as a process of its own, in an empty directory and environment."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.parts.leftovers import MARK

SECONDS = 50

SECRETS = {
    "LIVEKIT_API_SECRET": "secret-of-livekit-4711-with-32-characters",
    "ASSEMBLYAI_API_KEY": "key-of-assemblyai-4711",
    "OPENAI_API_KEY": "key-of-openai-4711",
}
KEYS = {"LIVEKIT_URL": "ws://127.0.0.1:1", "LIVEKIT_API_KEY": "key-of-livekit", **SECRETS}
"""What a worker needs; nothing listens at the address."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def sentences(self) -> list[str]:
        """What it said to the person on standard error; the log beside it is JSON lines."""
        return [line.removeprefix("verbatim: ") for line in self.err.splitlines() if not line.startswith("{")]


def environment(directory: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Only these variables, and what a process cannot do without."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", MARK) if name in os.environ}
    return {**kept, "HOME": str(directory), "LANG": "C.UTF-8", **variables}


def arguments(*words: str) -> list[str]:
    return [sys.executable, "-m", "worker", *words]


def run(
    directory: Path,
    words: Sequence[str],
    variables: Mapping[str, str] | None = None,
    *,
    before: Callable[[], None] | None = None,
) -> Outcome:
    """Run `verbatim` with `words` in `directory` and these variables, and nothing else from outside."""
    done = subprocess.run(
        arguments(*words),
        cwd=directory,
        env=environment(directory, variables or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=before,
    )
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in outcome.err, outcome.err
    for secret in SECRETS.values():
        assert secret not in outcome.out + outcome.err
    return outcome
