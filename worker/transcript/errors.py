"""What can be wrong with a journal's lines.

    LineError
    ├── LineTorn        the last line has no line feed: the writer was stopped in the middle of it
    ├── LineDamaged     a line is not what was written, or does not follow the line before it
    └── LineNewer       a line of a format version that this program does not know
    ReplayError         lines that are whole, but tell of no call

No message quotes what was said.
"""

from __future__ import annotations

from typing import Self


class LineError(ValueError):
    """A line cannot be taken as written. `str()` names the line, once known, and the reason."""

    def __init__(self, reason: str, line: int | None = None, file: int | None = None) -> None:
        super().__init__(reason, line, file)
        self.reason = reason
        self.line = line
        """Number of the line in its file, from 1."""
        self.file = file
        """Number of the file among those of its journal, from 1; `None` where there is only one."""

    def __str__(self) -> str:
        file = "" if self.file is None else f"file {self.file}, "
        return self.reason if self.line is None else f"{file}line {self.line}: {self.reason}"

    def on(self, line: int, file: int | None = None) -> Self:
        """Return the same error for line number `line` of file number `file`, both counted from 1."""
        return type(self)(self.reason, line, file)


class LineTorn(LineError):
    """The line feed is missing. Normal at the end of a file whose writer died: drop the line."""


class LineDamaged(LineError):
    """The line was changed, moved, repeated or lost its predecessor: trust nothing from here on."""


class LineNewer(LineError):
    """The line is whole and of a newer format version: leave the file to a newer program."""


class ReplayError(ValueError):
    """The records hold no call: not one part says how it started."""
