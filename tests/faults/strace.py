"""What a process asks of the system, as strace shows it: calls with their beginning, their end and their data."""

import codecs
import contextlib
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ATTACHED_WITHIN_S = 20.0
LONGEST_STRING = 1_000_000

_LINE = re.compile(r"(?P<thread>\d+) +(?P<at>\d+\.\d+) (?P<rest>.*)")
_CALL = re.compile(
    r"(?P<name>\w+)\((?P<descriptor>\d+)<(?P<target>.*?)>(?=[,)])(?P<arguments>.*)\)"
    r" += (?P<result>-?\d+).*?<(?P<took>[\d.]+)>"
)
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)")
_UNFINISHED = "<unfinished ...>"
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class SystemCall:
    """One call on a descriptor that came back.

    Attributes:
        name: Such as `fdatasync`.
        descriptor: Its number.
        target: What the descriptor stands for: a path, or the ends of a connection.
        data: All strings among its arguments, as bytes.
        result: What it returned.
        began_at: In Unix seconds.
        ended_at: In Unix seconds.
    """

    name: str
    descriptor: int
    target: str
    data: bytes
    result: int
    began_at: float
    ended_at: float


@contextlib.contextmanager
def traced(pid: int, calls: Sequence[str], output: Path, sync_ms: int = 0) -> Iterator[None]:
    """Writes the calls of a process and all its threads to `output` until the block ends.

    Args:
        pid: The process.
        calls: Names of system calls.
        output: A file.
        sync_ms: How much longer a sync takes meanwhile: whoever does not wait for it is then seen to overtake it.

    Raises:
        RuntimeError: strace could not be attached; the message ends with what it said.
    """
    command = [
        "strace", "-f", "-ttt", "-T", "-yy", "-s", str(LONGEST_STRING), "-e", f"trace={','.join(calls)}",
        "-o", str(output), "-p", str(pid),
    ]  # fmt: skip
    if sync_ms:
        command += ["-e", f"inject=fdatasync:delay_enter={1000 * sync_ms}"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        # strace that says nothing is ended, and then the pipe is.
        patience = threading.Timer(ATTACHED_WITHIN_S, process.kill)
        patience.start()
        said = process.stderr.readline()
        patience.cancel()
        if "attached" not in said:
            raise RuntimeError(f"strace was not attached: {said}{process.stderr.read()}")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=ATTACHED_WITHIN_S)


def read_calls(trace: str) -> list[SystemCall]:
    """The calls of a trace that came back, in the order of their beginning."""
    waiting: dict[str, tuple[float, str]] = {}
    calls = []
    for line in trace.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        thread, began_at, text = found["thread"], float(found["at"]), found["rest"]
        if text.endswith(_UNFINISHED):
            waiting[thread] = (began_at, text.removesuffix(_UNFINISHED).rstrip())
            continue
        if (resumed := _RESUMED.fullmatch(text)) is not None:
            if thread not in waiting:
                continue  # it had begun before strace came
            began_at, beginning = waiting.pop(thread)
            text = beginning + resumed["rest"].lstrip()
        if (call := _CALL.fullmatch(text)) is not None:
            data = b"".join(_unescaped(each) for each in _STRING.findall(call["arguments"]))
            calls.append(
                SystemCall(
                    name=call["name"],
                    descriptor=int(call["descriptor"]),
                    target=call["target"],
                    data=data,
                    result=int(call["result"]),
                    began_at=began_at,
                    ended_at=began_at + float(call["took"]),
                )
            )
    return sorted(calls, key=lambda call: call.began_at)


def _unescaped(text: str) -> bytes:
    return codecs.escape_decode(text.encode("latin-1"))[0]
