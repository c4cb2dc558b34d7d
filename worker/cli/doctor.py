"""`verbatim doctor`: what is wrong, before a caller finds out."""

import asyncio
import json
import os
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from config import SettingsError
from worker.cli.options import AsJson, ConfigFile, Profile, Set, load_settings
from worker.errors import EXIT_CONFIGURATION, EXIT_FAILED, EXIT_UNAVAILABLE
from worker.surroundings import publish

MARKS = {
    "fine": "[green]✓[/]",
    "warning": "[yellow]![/]",
    "failed": "[red]✗[/]",
    "unreachable": "[red]✗[/]",
    "skipped": "[dim]-[/]",
}


Quick = Annotated[bool, typer.Option("--quick", help="Leave out what makes a room or costs tokens and characters.")]


def command(
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
    json_: AsJson = False,
    quick: Quick = False,
) -> None:
    """Check settings, keys, LiveKit, STT, LLM, TTS, storage and this machine; each with its remedy."""
    try:
        loaded = load_settings("doctor", config, profile, set_)
    except SettingsError as error:
        if json_:
            findings = [{"check": "settings", "verdict": "failed", "sentence": s} for s in error.sentences]
            typer.echo(json.dumps(findings, indent=2))
            raise typer.Exit(EXIT_CONFIGURATION) from None
        raise
    publish(loaded)
    from worker.doctor import Verdict, examine

    found = asyncio.run(examine(loaded.settings, quick=quick))
    if json_:
        typer.echo(
            json.dumps(
                [
                    {"check": f.check, "verdict": f.verdict.value, "sentence": f.sentence, "remedy": f.remedy}
                    for f in found
                ],
                indent=2,
            )
        )
    else:
        console = Console(highlight=False, soft_wrap=True)
        console.print(f"{MARKS['fine']} settings         All settings are valid (profile {loaded.profile}).")
        for finding in found:
            console.print(f"{MARKS[finding.verdict.value]} {finding.check:<16}", end=" ")
            console.print(f"{finding.sentence} {finding.remedy}".strip(), markup=False)
    verdicts = {finding.verdict for finding in found}
    _end(EXIT_FAILED if Verdict.FAILED in verdicts else EXIT_UNAVAILABLE if Verdict.UNREACHABLE in verdicts else 0)


def _end(status: int) -> NoReturn:
    """End the process at once, with what it printed.

    The threads of the room client's native runtime outlive the interpreter, and may abort the process while it is
    taken down (livekit/agents issue 732): the status would be that of a crash.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
