"""The `verbatim` command: one thin module a command.

Exit status: 0 fine, 1 failed, 2 usage, 69 a service cannot be reached, 78 the settings are wrong.
"""

import errno
import os
import sys
import warnings
from importlib import metadata
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from config import SettingsError
from worker.cli import config, demo, dev, dispatch, doctor, start, token, transcripts, watch
from worker.errors import EXIT_CONFIGURATION, EXIT_FAILED, Refusal
from worker.machine import check_machine

app = typer.Typer(
    name="verbatim",
    help="A LiveKit voice agent worker that never loses a word.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="start")(start.command)
app.command(name="dev")(dev.command)
app.command(name="demo")(demo.command)
app.command(name="doctor")(doctor.command)
app.command(name="config")(config.command)
app.command(name="token")(token.command)
app.command(name="dispatch")(dispatch.command)
app.command(name="watch")(watch.command)
app.add_typer(transcripts.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(metadata.version("verbatim"))
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """A LiveKit voice agent worker that never loses a word."""


def main() -> NoReturn:
    """Run the command line; what stops a command is said in plain sentences on standard error."""
    # Said by doctor in a sentence; the library's own words come with a file name and a line of code.
    warnings.filterwarnings("ignore", message="The HMAC key is")
    try:
        check_machine(sys.version_info[:2], sys.platform)
        try:
            app()
        finally:
            sys.stdout.flush()
    except SettingsError as error:
        _explain(error.sentences)
        sys.exit(EXIT_CONFIGURATION)
    except Refusal as error:
        _explain(error.sentences)
        sys.exit(error.status)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # What could not be written would be tried again at the exit, and change its status.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _explain(f"The output cannot be written ({error.strerror}); free some space.")
        sys.exit(EXIT_FAILED)
    sys.exit(0)


def _explain(sentences: object) -> None:
    from worker.transcript.render.wording import one_line

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for sentence in sentences if isinstance(sentences, (list, tuple)) else [str(sentences)]:
        console.print(f"verbatim: {one_line(str(sentence))}", markup=False)
