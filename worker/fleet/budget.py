"""Minutes of calls of the day, kept in a file so that neither a restart nor a second worker of the node begins anew."""

import asyncio
import fcntl
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

logger = logging.getLogger("verbatim.worker")

FILE = "minutes-today.json"


def today() -> date:
    """Return the day, UTC."""
    return datetime.now(UTC).date()


class DailyBudget:
    """What was held today, by all workers whose journals are in one directory.

    A file that cannot be used costs the memory over a restart, never a call.
    """

    def __init__(self, directory: Path, day: Callable[[], date] = today) -> None:
        self._file = directory / FILE
        self._today = day
        self._day = day()
        self._saved_s = 0.0
        self._unsaved_s = 0.0
        self._complained = False

    @property
    def minutes(self) -> float:
        """Minutes of calls today, as far as known."""
        self._turn_over()
        return (self._saved_s + self._unsaved_s) / 60

    def spend(self, seconds: float) -> None:
        """Count so many more seconds of calls."""
        self._turn_over()
        self._unsaved_s += seconds

    async def save(self) -> None:
        """Add to the file what this worker has spent, and take what it says by now."""
        self._turn_over()
        day, spent = self._day, self._unsaved_s
        try:
            total = await asyncio.to_thread(self._add, day, spent)
        except OSError as error:
            if not self._complained:
                self._complained = True
                logger.warning("minutes of calls are not kept over a restart (%s): %s", error.strerror, self._file)
            return
        if day == self._day:
            self._saved_s, self._unsaved_s = total, self._unsaved_s - spent

    def _turn_over(self) -> None:
        if (now := self._today()) != self._day:
            self._day, self._saved_s, self._unsaved_s = now, 0.0, 0.0

    def _add(self, day: date, seconds: float) -> float:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed
            total = _read(file.read(), day) + seconds
            file.seek(0)
            file.truncate()
            json.dump({"day": day.isoformat(), "seconds": round(total, 1)}, file)
        return total


def _read(text: str, day: date) -> float:
    """Return the seconds that `text` has for `day`; what is no such text has none."""
    try:
        found = json.loads(text)
        return float(found["seconds"]) if found["day"] == day.isoformat() else 0.0
    except (ValueError, TypeError, KeyError):
        return 0.0
