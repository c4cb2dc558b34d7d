"""`make canary`: what is relied on in livekit-agents and its plugins, on their newest releases.

They go into an environment of its own, under `.tools/canary`; `.venv` stays as `uv.lock` has it. What fails here names
what has changed. Exit status: pytest's own, 2 when the packages cannot be had.
"""

import os
import subprocess
import sys

from bootstrap import uv
from tests.parts.availability import PROJECT

CONTRACTS = (
    "tests/speech",
    "tests/session/capturing/test_current_speech.py",
    "tests/session/conversation/test_chat.py",
    "tests/session/conversation/test_dialogue.py",
    "tests/session/conversation/test_phone.py",
    "tests/session/watching/test_supervision.py",
    "tests/test_app.py::test_the_framework_still_says_under_this_name_whether_it_is_connecting",
)
"""Tests that pin what is bent, and those of what is built on it."""

NEWEST = ("livekit-agents", "livekit-plugins-assemblyai", "livekit-plugins-openai", "livekit-plugins-silero")
ENVIRONMENT = PROJECT / ".tools" / "canary"
NOT_RUN = 2


def main() -> int:
    """Make the environment, tell the versions, run the tests."""
    program, variables = uv.installed(PROJECT), uv.environment(PROJECT, os.environ)
    python = ENVIRONMENT / "bin" / "python"
    overrides = ENVIRONMENT.with_suffix(".txt")
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    overrides.write_text("".join(f"{name}>=1\n" for name in NEWEST), encoding="utf-8")
    install = ["pip", "install", "--quiet", "--upgrade", "--python", python, "--override", overrides]
    for command in (
        ["venv", "--quiet", "--clear", ENVIRONMENT],
        [*install, "--group", f"{PROJECT / 'pyproject.toml'}:dev", "--editable", f"{PROJECT}[demo]"],
        ["pip", "list", "--python", python, "--format", "freeze"],
    ):
        listing = command[1] == "list"
        done = subprocess.run([program, *command], env=variables, text=True, capture_output=listing, check=False)
        if done.returncode:
            print("The newest packages cannot be had: see above.", file=sys.stderr)
            return NOT_RUN
        if listing:
            print(*(line for line in done.stdout.splitlines() if line.startswith("livekit")), sep="\n", flush=True)
    tests = [python, "-m", "pytest", "-q", "-m", "not slow", *CONTRACTS]
    return subprocess.run(tests, cwd=PROJECT, env=os.environ | {"VERBATIM_TEST_CANARY": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
