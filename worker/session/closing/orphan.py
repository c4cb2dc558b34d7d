"""The end of a call's process that its worker has left behind.

When a worker is gone, the framework cancels what its jobs do, and their processes end (livekit-agents 1.8.9,
`ipc/proc_client.py`). An event loop that is blocked does not notice, and whoever would have ended the process for
that is gone too: it would stay for ever, in the room and with its journal locked. A thread notices.
"""

import multiprocessing
import os
import time
from multiprocessing.process import BaseProcess
from threading import Thread

from worker.errors import EXIT_FAILED

PATIENCE_S = 5.0
"""How long a process may take to end by itself; the journal that it leaves is stored by the next worker's sweep."""


def end_with_worker() -> None:
    """Watch from now on whether the worker that started this process is still there, and end soon after it."""
    worker = multiprocessing.parent_process()
    if worker is not None:
        Thread(target=_outlive, args=(worker,), name="orphan", daemon=True).start()


def _outlive(worker: BaseProcess) -> None:
    worker.join()
    time.sleep(PATIENCE_S)
    os._exit(EXIT_FAILED)
