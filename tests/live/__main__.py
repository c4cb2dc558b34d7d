"""`python -m tests.live`: the wire contract at the real services, with your own keys, once you have agreed to the cost.

Exit status: pytest's own (0 when the services keep the contract), 2 when nothing was sent.
"""

import argparse
import os
import sys
from pathlib import Path

import pytest

from config import SettingsError, load
from tests.live.cost import cost, lines
from tests.live.run import LiveRun
from tests.live.vendors import missing_keys, vendors
from tests.parts.availability import PROJECT
from tests.parts.results import commit

NOT_RUN = 2
FOLDER = PROJECT / "bench" / "results" / "live"


def main(arguments: list[str]) -> int:
    """Tell the cost, ask, run.

    Args:
        arguments: The command line without the program's name.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="agree to the cost; CONFIRM=yes does the same")
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder for the run's file, which holds no text")
    options = parser.parse_args(arguments)
    try:
        settings = load().settings
    except SettingsError as error:
        return _not_run(*error.sentences)
    if missing := missing_keys(settings):
        return _not_run(*missing)

    services = vendors(settings)
    print("This talks to the real services with your keys. It costs, at list prices in US dollars:")
    print(*(f"  {line}" for line in lines(cost(services))), sep="\n", flush=True)
    if not (options.yes or os.environ.get("CONFIRM") == "yes"):
        if not sys.stdin.isatty():
            return _not_run("Nothing was sent: no terminal to ask on; agree with `make test-live CONFIRM=yes`.")
        if not _agreed():
            return _not_run("Nothing was sent.")
    run = LiveRun(services, options.results.absolute(), commit())
    # What this command has imported cannot be rewritten by pytest any more, and holds no asserts.
    quiet = ["-q", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    suite = [str(PROJECT / "tests" / "contract"), "-c", str(PROJECT / "pyproject.toml"), "-m", "live"]
    return int(pytest.main([*suite, *quiet], plugins=[_Named(run)]))


class _Named:
    """Registers the run under its name, by which the suite finds it."""

    def __init__(self, run: LiveRun) -> None:
        self._run = run

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._run, LiveRun.NAME)


def _agreed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}
    except (EOFError, KeyboardInterrupt):
        print()
        return False


def _not_run(*sentences: str) -> int:
    print(*sentences, sep="\n", file=sys.stderr)
    return NOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
