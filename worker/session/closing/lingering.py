"""The end of a process whose call is stored.

What the framework still does then has no deadline while the worker drains: it waits for the process, and the
worker's own end with it (livekit-agents 1.8.9, `worker.py`, `drain`).
"""

import logging
import os
import time
from threading import Thread

from worker.logs import send_the_log

logger = logging.getLogger("verbatim.call")


def end_within(seconds: float) -> None:
    """Let this process end by itself within `seconds`; then it is ended. Nothing may be left to be stored."""
    Thread(target=_end_after, args=(seconds,), name="lingering", daemon=True).start()


def _end_after(seconds: float) -> None:
    time.sleep(seconds)
    logger.warning("the process of a stored call does not end (fleet.shutdown_process_timeout): ending it")
    send_the_log()
    os._exit(0)
