"""`verbatim transcripts`: what was said, and whether it is what was stored; one thin module a command."""

import typer

from worker.cli.transcripts import explain, export, ls, recover, rm, show, verify

app = typer.Typer(
    name="transcripts",
    help="List, read, check, export, remove and recover transcripts.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="ls")(ls.command)
app.command(name="show")(show.command)
app.command(name="verify")(verify.command)
app.command(name="export")(export.command)
app.command(name="rm")(rm.command)
app.command(name="recover")(recover.command)
app.command(name="explain")(explain.command)
