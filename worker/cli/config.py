"""`verbatim config`: the effective settings and where each comes from."""

import json

import typer
from rich.console import Console
from rich.table import Table

from worker.cli.options import AsJson, ConfigFile, Profile, Set, load_settings


def command(config: ConfigFile = None, profile: Profile = None, set_: Set = None, json_: AsJson = False) -> None:
    """Print the effective settings with their sources; secrets are hidden."""
    loaded = load_settings("config", config, profile, set_)
    if json_:
        typer.echo(json.dumps(loaded.as_data(), indent=2))
        return
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for row in loaded.rows():
        table.add_row(row.key, row.value.replace("\n", " "), row.source)
    Console(highlight=False, emoji=False).print(table, markup=False)
