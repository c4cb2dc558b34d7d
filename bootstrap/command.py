"""Runs one command of the preparation: with progress and a log; an interrupted one leaves nothing running."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bootstrap.errors import CommandError, SetupError
from bootstrap.progress import Progress, spoken_time

DEADLINE_S = 30 * 60
TICK_S = 0.5


def run(
    title: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path,
    note: str = "",
    detail_of: Callable[[str], str] = str.strip,
) -> None:
    """Runs `command` to its end.

    Args:
        title: What is being made, as a noun phrase.
        command: The program and its arguments.
        environment: All of its environment variables.
        log: The file that takes the whole output.
        note: What to add to the title while it is being made.
        detail_of: What to show of a line of output; called for each line.

    Raises:
        CommandError: It failed.
        SetupError: It was not done after 30 minutes.
    """
    progress = Progress(title + note)
    process = subprocess.Popen(
        list(command), env=dict(environment), start_new_session=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        output = _follow(title, progress, lines, detail_of)
        status = process.wait()
    except BaseException:
        # Whoever leaves early takes the whole group along: a compiler must not go on in the background.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        progress.end("stopped")
        raise
    finally:
        reader.join(timeout=5)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(output)
    progress.end("failed" if status else "done")
    if status:
        raise CommandError(title, output, log)


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _follow(
    title: str, progress: Progress, lines: queue.SimpleQueue[str | None], detail_of: Callable[[str], str]
) -> str:
    output: list[str] = []
    detail = ""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            line = lines.get(timeout=TICK_S)
        except queue.Empty:
            progress.show(detail)
            continue
        if line is None:
            return "".join(output)
        output.append(line)
        detail = detail_of(line)
        progress.show(detail)
    raise SetupError(f"{title} was not done after {spoken_time(DEADLINE_S)}; run the same command again.")
