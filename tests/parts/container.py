"""A container, as an engine handles it: what is signalled is its process 1, and what ends is all of it."""

import contextlib
import os
import subprocess
import time
from pathlib import Path

STARTED_WITHIN_S = 10.0
LOOKED_EVERY_S = 0.01  # a program tells nobody that it has a child


class Container(subprocess.Popen[bytes]):
    """A program that starts another one as process 1 of a new process namespace, and ends with its exit status."""

    def send_signal(self, sig: int) -> None:
        """Sends a signal to process 1, unless it has ended.

        Raises:
            TimeoutError: It has not started.
        """
        deadline = time.monotonic() + STARTED_WITHIN_S
        while self.poll() is None:
            if children := Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(children[0]), sig)
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"the container has no process within {STARTED_WITHIN_S:.0f} s")
            time.sleep(LOOKED_EVERY_S)
