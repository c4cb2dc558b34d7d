"""How transcripts are put on a screen: names and words come from strangers, and must not steer a terminal."""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track
from rich.table import Table

from worker.transcript.render.wording import STEERING, clock, one_line

__all__ = ["clock", "console", "minute", "note", "one_line", "print_json", "print_table", "print_text", "with_progress"]

Each = TypeVar("Each")

UNBOUNDED = 10_000
"""Columns that no line needs."""

MANY = 10
"""Sessions from which progress is shown."""

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
    Console(stderr=True, highlight=False, emoji=False, soft_wrap=True).print(one_line(sentence), markup=False)


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


def with_progress(work: Sequence[Each], doing: str) -> Iterable[Each]:
    """Return `work`; how far it is shows on a terminal while it is gone through, where there is much of it."""
    screen = Console(stderr=True)
    if len(work) < MANY or not screen.is_terminal:
        return work
    return track(work, doing, console=screen, transient=True)


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
