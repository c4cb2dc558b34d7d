"""A call's process ends after its worker, whatever it is doing."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ENDED_WITHIN_S = 30

WORKER = """
import multiprocessing, os, time
from worker.session.closing import orphan

def call():
    orphan.PATIENCE_S = 0.05
    orphan.end_with_worker()
    print(os.getpid(), flush=True)
    time.sleep(3600)

if __name__ == "__main__":
    processes = multiprocessing.get_context(METHOD)
    processes.Process(target=call).start()
    time.sleep(3600)
"""


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_process_that_hangs_ends_after_its_worker_and_not_before(tmp_path: Path, method: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(WORKER.replace("METHOD", repr(method)))
    worker = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    call = psutil.Process(int(worker.stdout.readline()))
    with pytest.raises(psutil.TimeoutExpired):
        call.wait(0.5)
    worker.kill()
    try:
        call.wait(ENDED_WITHIN_S)
    finally:
        if call.is_running():
            call.kill()
        worker.communicate()
