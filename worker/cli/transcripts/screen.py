"""How transcripts are put on a screen: names and words come from strangers, and must not steer a terminal."""

import json
import os
import re
import sys
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from worker.transcript.render.wording import STEERING, clock, one_line

__all__ = [
    "clock", "console", "minute", "note", "one_line", "print_json", "print_table", "print_text", "waiting",
    "with_progress",
]  # fmt: skip

Each = TypeVar("Each")

UNBOUNDED = 10_000
"""Columns that no line needs."""

_LINE_ENDS = {"\n", "\t"}
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def console() -> Console:
    """Return where results go: as wide as the terminal, and into a file or pipe as wide as the lines are."""
    screen = Console(highlight=False, emoji=False, markup=False)
    if not screen.is_terminal and "COLUMNS" not in os.environ:
        screen.width = UNBOUNDED
    return screen


def note(sentence: str) -> None:
    """Say something beside the result, on standard error."""
    screen = Console(stderr=True, highlight=False, emoji=False)
    screen.print(one_line(sentence), markup=False, soft_wrap=not screen.is_terminal)


def minute(at: str) -> str:
    """Return a time as tables show it: `2026-11-21 10:00`, UTC."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}" if at else "?"


def print_table(table: Table) -> None:
    """Print `table`; into a file or pipe without the blanks that fill its columns."""
    screen = console()
    if screen.is_terminal:
        screen.print(table)
        return
    with screen.capture() as captured:
        screen.print(table)
    for line in captured.get().removesuffix("\n").split("\n"):
        sys.stdout.write(f"{line.rstrip()}\n")


@contextmanager
def waiting(doing: str) -> Iterator[None]:
    """Show on a terminal that something is being done that may take a moment."""
    screen = Console(stderr=True)
    if screen.is_terminal:
        with screen.status(doing):
            yield
    else:
        yield


async def with_progress(work: AsyncIterator[Each], doing: str, total: int | None = None) -> AsyncIterator[Each]:
    """Yield `work`; how far it is shows on a terminal: against `total`, or where that is not known, as a number."""
    screen = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(doing, total=total)
        async for each in work:
            yield each
            progress.advance(task)


def print_json(data: Any) -> None:
    """Print `data`; what a terminal would obey is escaped, which is the same data to every reader."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    sys.stdout.write(_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def print_text(content: str) -> None:
    """Print a whole file: as it is into a file or pipe, and on a terminal without what that would obey."""
    sys.stdout.write(_harmless(content) if sys.stdout.isatty() else content)
    sys.stdout.flush()


def _harmless(content: str) -> str:
    return "".join("\ufffd" if _steers(letter) else letter for letter in content)


def _steers(letter: str) -> bool:
    return letter in STEERING or (unicodedata.category(letter) == "Cc" and letter not in _LINE_ENDS)
