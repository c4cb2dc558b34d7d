"""A process whose call is stored ends, whatever keeps it."""

import subprocess
import sys

PROCESS = """
import threading
from worker.session.closing.lingering import end_within

end_within(0.05)
threading.Event().wait()
"""

ENDED_WITHIN_S = 30


def test_a_process_that_hangs_is_ended_and_says_so() -> None:
    ended = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=ENDED_WITHIN_S)
    assert ended.returncode == 0
    assert "does not end" in ended.stderr
