"""`verbatim dev`: the worker for trying things out."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from worker.cli import start
from worker.cli.options import ConfigFile, Profile, Set, load_settings


def command(
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
    reload: Annotated[bool, typer.Option(help="Start again when a Python file, .env or verbatim.yaml changes.")] = True,
) -> None:
    """Take every call on the server, log for people, and start again when a file changes."""
    loaded = load_settings("dev", config, profile, set_)
    if not reload:
        start.run(loaded)
        return

    from watchfiles import DefaultFilter, run_process

    class Sources(DefaultFilter):
        """Python files and settings."""

        def __call__(self, change: object, path: str) -> bool:
            """Return whether a change of `path` matters."""
            file = Path(path)
            if file.suffix != ".py" and file.name not in (".env", "verbatim.yaml"):
                return False
            return super().__call__(change, path)  # type: ignore[arg-type]

    arguments = [argument for argument in sys.argv[1:] if argument != "--reload"]
    run_process(
        Path.cwd(),
        target=shlex.join([sys.executable, "-m", "worker", *arguments, "--no-reload"]),
        target_type="command",
        watch_filter=Sources(),
        grace_period=1,
        sigint_timeout=30,
    )
