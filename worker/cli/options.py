"""Options that several commands share."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from config import Loaded, load

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="YAML file with settings; else VERBATIM_CONFIG, else ./verbatim.yaml."),
]
Profile = Annotated[str | None, typer.Option("--profile", help="Named settings: production or development.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as --set llm.model=gpt-4o. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def parse_day(text: str) -> date:
    """Return the day that a person wrote.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it like 2026-11-21.") from None


def load_settings(command: str, config_file: Path | None, profile: str | None, assignments: list[str] | None) -> Loaded:
    """Return the effective settings for `command`, checked for what it needs.

    Raises:
        typer.BadParameter: an assignment is not KEY=VALUE.
        SettingsError: everything that is wrong with the settings.
    """
    overrides: dict[str, str] = {}
    for assignment in assignments or []:
        key, separator, value = assignment.partition("=")
        if not separator or not key:
            raise typer.BadParameter(f"--set takes KEY=VALUE, such as llm.model=gpt-4o, not {key!r}.")
        overrides[key.strip()] = value
    return load(overrides, config_file=config_file, profile=profile, command=command)
