"""Shows that long work is going on: the time it has taken and what it is at."""

import shutil
import sys
import time
from typing import TextIO

LINE_EVERY_S = 10.0  # where the output is no terminal, so that a build log shows life without filling up


def spoken_time(seconds: float) -> str:
    """A duration as a person says it: `7 s`, `1 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class Progress:
    """One piece of work: a line that is rewritten on a terminal, and a line now and then elsewhere."""

    def __init__(self, title: str, output: TextIO = sys.stderr) -> None:
        self._title = title
        self._output = output
        self._is_terminal = output.isatty()
        self._began = time.monotonic()
        self._next_line = self._began + LINE_EVERY_S
        if not self._is_terminal:
            self._write(f"{title} …\n")

    def show(self, detail: str) -> None:
        """Shows what the work is at now."""
        now = time.monotonic()
        text = f"{self._title} … {spoken_time(now - self._began)}  {detail}"
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write("\r\033[K" + text[:width])
        elif now >= self._next_line:
            self._next_line = now + LINE_EVERY_S
            self._write(f"{text}\n")

    def end(self, result: str) -> None:
        """Ends the line with a result: "done", "failed"."""
        start = "\r\033[K" if self._is_terminal else ""
        self._write(f"{start}{self._title}: {result} after {spoken_time(time.monotonic() - self._began)}\n")

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()
