"""A process that a SIGTERM does not end, and a child of its own that it does not end either."""

import json
import os
import signal
import sys
import time
from types import FrameType


def report(event: str, **fields: object) -> None:
    # Unbuffered: a signal may come while another report is being written.
    os.write(1, json.dumps({"event": event, **fields}).encode() + b"\n")


def told(number: int, _: FrameType | None) -> None:
    report("told")
    if "leave-child" in sys.argv:
        os._exit(0)


# The child inherits that it ignores SIGTERM, until the parent says what it does itself.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    # Nothing but its process group ties it to its parent.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    time.sleep(600)
    os._exit(0)
signal.signal(signal.SIGTERM, told)
report("ready", pids=[os.getpid(), child])
while True:
    time.sleep(600)
