"""Logs without the words of a call.

The framework attaches what people said to some records as fields named `lk.pii.*`, and quotes it in
a few messages. Neither leaves this process: the filter works on the record, before any handler.
"""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from typing import Any, TextIO

PERSONAL_FIELD = "lk.pii."
"""Prefix of record fields that hold what people said (livekit-agents 1.8.9, telemetry)."""

_QUOTING = [
    # livekit-agents 1.8.9, tts/tts.py: the text that no audio came for
    re.compile(r"(no audio frames were pushed for text: ).*", re.DOTALL),
]

EXPLAINED = ("Error in _connection_task",)
"""livekit-agents 1.8.9, worker.py: the connection to LiveKit was given up."""

_OWN_FIELDS = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

LOG_THREAD = "ipc_log_forwarder"
"""The framework's name for the thread that sends a job's log to the worker."""

LOG_SECONDS = 1.0
"""How long it may take for what was logged."""

NOISY = ["aiohttp.access", "httpx", "httpx2", "httpcore", "httpcore2", "openai", "livekit", "asyncio", "urllib3"]
"""Libraries that log every request, some with its body: warnings only."""


QUOTED_BY_OTHERS = ("livekit", "asyncio")
"""Loggers that write down failures of code which is given what callers said, an operator's tools above all."""

_EXCEPTION = re.compile(r"([A-Za-z_][\w.]*)(:.*)?")
_HEADING = ("Traceback (most recent call last):", "The above exception was", "During handling of the above")


def without_messages(traceback: str) -> str:
    """Return `traceback` with where it happened and the exceptions' classes, without their messages."""
    kept: list[str] = []
    in_frames = False
    for line in traceback.splitlines():
        if line.startswith(_HEADING):
            in_frames = True
            kept.append(line)
        elif in_frames and line[:1].isspace():
            kept.append(line)
        elif in_frames and (exception := _EXCEPTION.fullmatch(line)) is not None:
            in_frames = False  # what follows up to the next heading is its message
            kept.append(exception[1])
    return "\n".join(kept)


def without_words(text: str) -> str:
    """Return `text` with what it quotes of a call replaced."""
    for pattern in _QUOTING:
        text = pattern.sub(r"\1[not logged]", text)
    return text


class WithoutWords(logging.Filter):
    """Removes personal fields and quotations from every record; lets all records pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean `record` in place."""
        for name in [name for name in vars(record) if name.startswith(PERSONAL_FIELD)]:
            delattr(record, name)
        try:
            message = record.getMessage()
        except Exception:  # a library's mistake in a log call must not reach the call it logs about
            message = f"a message that cannot be formatted, from {record.pathname}:{record.lineno}"
        record.msg, record.args = without_words(message), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            quoting = record.name.partition(".")[0] in QUOTED_BY_OTHERS
            record.exc_text = (without_messages if quoting else without_words)(record.exc_text)
        return True


class Explained(logging.Filter):
    """Drops tracebacks of failures that end the command, which then says them in a sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether `record` is to be written."""
        return not record.getMessage().startswith(EXPLAINED)


class JsonLines(logging.Formatter):
    """One JSON object a line: `at` (RFC 3339 UTC), `level`, `logger`, `message`, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line feed."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS}
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, ensure_ascii=False, default=str)


class Readable(logging.Formatter):
    """For people: time, level, logger, message, and the fields behind it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line or, with an exception, the lines."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        fields = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _OWN_FIELDS)
        text = f"{at} {record.levelname:<7} {record.name}  {record.getMessage()}"
        return "\n".join(part for part in (f"{text}  {fields}".rstrip(), record.exc_text) if part)


def set_up_logging(level: str, *, readable: bool, stream: TextIO | None = None) -> None:
    """Send the process's log to `stream` (standard error by default).

    Args:
        level: `debug`, `info`, `warning` or `error`.
        readable: lines for people instead of JSON.
        stream: where to; replaced handlers are closed.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(WithoutWords())
    handler.addFilter(Explained())
    handler.setFormatter(Readable() if readable else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def send_the_log() -> None:
    """Let the worker have what this job's process logged, before the process is ended. Blocks for a moment."""
    logging.shutdown()
    for thread in threading.enumerate():
        if thread.name == LOG_THREAD:
            thread.join(LOG_SECONDS)
