"""Where sessions lie in a store, as their keys alone tell: no object is opened, and no segment is listed.

Keys begin with the day of the room's creation, so that who wants one day, or the newest, asks for no other.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date

from worker.storage import names
from worker.storage.concurrency import in_order
from worker.storage.stores.store import Store

YEAR = re.compile(r"[0-9]{4}")
TWO_DIGITS = re.compile(r"[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both ends among them; without an end, all that way."""

    since: date | None = None
    until: date | None = None

    def __contains__(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def may_hold(self, first: date, last: date) -> bool:
        """Return whether a day from `first` to `last` may be among them."""
        return (self.since is None or self.since <= last) and (self.until is None or first <= self.until)


ALWAYS = Span()


async def days(store: Store, span: Span = ALWAYS, tree: str = "") -> list[date]:
    """Return the days of `span` under which anything is stored, the newest first.

    One request, and one for each year and each month that may hold such a day.

    Args:
        store: where.
        span: which days.
        tree: what the keys begin with before the day, with a slash at the end: another tree of the same form.
    """
    # Not all there is: the store may be a volume, with a directory in it that only the system can read.
    years = [each for each in await store.directories(tree.rstrip("/")) if YEAR.fullmatch(each)]
    found: list[date] = []
    for year in (each for each in years if _may_hold(span, each, "01", "12")):
        for month in await store.directories(f"{tree}{year}"):
            if not TWO_DIGITS.fullmatch(month) or not _may_hold(span, year, month, month):
                continue
            days_ = [_day(f"{year}-{month}-{each}") for each in await store.directories(f"{tree}{year}/{month}")]
            found += [day for day in days_ if day is not None and day in span]
    return sorted(found, reverse=True)


async def prefixes(store: Store, day: date, room: str | None = None) -> AsyncIterator[str]:
    """Yield the keys of the sessions that are stored under `day`, without an end: one request, and one a room.

    Args:
        store: where.
        day: of the rooms' creation.
        room: only those in rooms of this name.
    """
    under = day_key(day)
    rooms = await store.directories(under) if room is None else [names.encode(room)]

    async def of_room(name: str) -> Iterable[str]:
        # A session's has a dash in its name; others put things beside.
        return [f"{under}/{name}/{each}" for each in await store.directories(f"{under}/{name}") if "-" in each]

    async for found in in_order(of_room, rooms):
        for each in found:
            yield each


def day_key(day: date) -> str:
    """Return what the keys of the sessions of a day begin with."""
    return f"{day:%Y/%m/%d}"


def day_of(prefix: str) -> date | None:
    """Return the day under which a session is stored; `None` of what is no session's key."""
    return _day("-".join(prefix.split("/")[:3]))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-21") else None
    except ValueError:
        return None


def _may_hold(span: Span, year: str, first: str, last: str) -> bool:
    begin, end = _day(f"{year}-{first}-01"), _last_day(year, last)
    return begin is not None and end is not None and span.may_hold(begin, end)


def _last_day(year: str, month: str) -> date | None:
    return next(filter(None, (_day(f"{year}-{month}-{day}") for day in ("31", "30", "29", "28"))), None)
