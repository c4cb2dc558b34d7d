"""Which sessions a person means: options that several commands share."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import parse_day
from worker.errors import Misused

if TYPE_CHECKING:
    from worker.storage.stores.places import Span

AGE = re.compile(r"([0-9]{1,5})([dw])")
DAYS = {"d": 1, "w": 7}

Room = Annotated[str | None, typer.Option("--room", help="Only sessions in rooms of this name.")]
Day = Annotated[
    date | None,
    typer.Option("--day", parser=parse_day, metavar="YYYY-MM-DD", help="Only rooms made on this day (UTC)."),
]
Since = Annotated[
    date | None,
    typer.Option("--since", parser=parse_day, metavar="YYYY-MM-DD", help="Only rooms made on this day or later (UTC)."),
]
Until = Annotated[
    date | None,
    typer.Option("--until", parser=parse_day, metavar="YYYY-MM-DD", help="Only rooms made on this day or before."),
]


def parse_age(text: str) -> timedelta:
    """Return the age that a person wrote, in whole days.

    Raises:
        typer.BadParameter: it is none.
    """
    found = AGE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not an age; write it like 30d or 8w.")
    return timedelta(days=int(found[1]) * DAYS[found[2]])


def span_of(day: date | None, since: date | None, until: date | None) -> "Span":
    """Return the days that are meant.

    Raises:
        Misused: they contradict each other.
    """
    from worker.storage.stores.places import Span

    if day is not None and (since is not None or until is not None):
        raise Misused("Write --day, or --since and --until, not both.")
    if since is not None and until is not None and until < since:
        raise Misused(f"--until {until} is before --since {since}.")
    return Span(day or since, day or until)


def today() -> date:
    """Return the day that it is now, in UTC."""
    return datetime.now(UTC).date()
