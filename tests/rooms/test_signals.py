"""What each signal does to a worker with a call: exit status, the call, and what is in the transcript afterwards.

`docs/reference/stopping.md` has the table of this.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rooms.conversation import new_room
from tests.rooms.patient_caller import QUESTION
from tests.rooms.surroundings import Surroundings, until
from tests.rooms.worker_process import WorkerProcess, launch
from tests.rooms.writing_caller import calling

pytestmark = [pytest.mark.slow, pytest.mark.needs("livekit-server")]

PATIENCE_S = 60.0
START_S = 150.0
TERM, INT, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Case:
    """One way to end a worker.

    Attributes:
        signals: What is sent, one after the other.
        to: Whom: the main process, its whole group, or the forkserver, which the calls' processes come from.
        status: Exit status of the main process.
        ended: Reason of the call's end in the transcript.
    """

    signals: tuple[signal.Signals, ...]
    to: str
    status: int
    ended: str

    def __str__(self) -> str:
        return f"{'+'.join(each.name for each in self.signals)}-{self.to}"


CASES = [
    *(Case((number,), to, 0, "caller_left") for number in (TERM, INT) for to in ("main", "group")),
    *(Case((number, number), to, 1, "crashed") for number in (TERM, INT) for to in ("main", "group")),
    Case((KILL,), "main", -KILL, "crashed"),
    Case((KILL,), "group", -KILL, "crashed"),
    Case((KILL,), "forkserver", 0, "caller_left"),
]


def often(case: Case) -> bool:
    """Whether a case is tried with the slow tests, and not with the soak tests alone."""
    return case.to == "forkserver" or (case.to, case.signals) in {
        ("main", (TERM,)),
        ("group", (TERM, TERM)),
        ("group", (KILL,)),
    }


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=str(each), marks=() if often(each) else pytest.mark.soak) for each in CASES]
)
@pytest.mark.timeout(200)
async def test_a_signal_ends_a_worker_as_the_table_says(
    place: Surroundings, record_property: Callable[[str, object], None], case: Case
) -> None:
    room = new_room("signal")
    # What a call leaves whose process ends behind its worker's back is stored at the next sweep.
    worker = launch(place, "verbatim", {"VERBATIM_STORAGE__SWEEP_SECONDS": "2"}, own_group=True)
    try:
        await asyncio.to_thread(worker.wait_until_ready, START_S)
        async with calling(place, room) as caller:
            await caller.ask()
            for number in case.signals[:-1]:
                send(worker, number, case.to)
                await asyncio.to_thread(worker.wait_until_draining)
            send(worker, case.signals[-1], case.to)
            sent = time.monotonic()
            if case.ended == "caller_left":
                if case.to != "forkserver":
                    await asyncio.to_thread(worker.wait_until_draining)
                await caller.ask()
        if case.to == "forkserver":
            await place.stored(room)
            worker.signal(TERM)
        assert await asyncio.to_thread(worker.wait, PATIENCE_S) == case.status
        record_property("ended_after_s", round(time.monotonic() - sent, 2))
    finally:
        worker.stop()
        end_group(worker)
    if case.ended == "crashed":
        await recovered(place)
    stored = await place.stored(room)
    assert stored.transcript.ended.reason == case.ended
    assert stored.transcript.complete is (case.ended == "caller_left")
    asked = 2 if case.ended == "caller_left" else 1
    assert stored.texts("user") == [QUESTION] * asked
    assert len(stored.texts("agent")) == asked + 1


def send(worker: WorkerProcess, number: signal.Signals, to: str) -> None:
    if to == "main":
        worker.signal(number)
    elif to == "group":
        os.killpg(worker.pid, number)
    else:
        os.kill(forkserver_of(worker.pid), number)


def forkserver_of(pid: int) -> int:
    """The process that the worker's calls come from."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    found = [int(each) for each in children if b"forkserver" in Path(f"/proc/{each}/cmdline").read_bytes()]
    assert len(found) == 1, found
    return found[0]


def end_group(worker: WorkerProcess) -> None:
    """Ends what a killed worker left; the test started it, as a group of its own."""
    try:
        os.killpg(worker.pid, KILL)
    except ProcessLookupError:
        return


async def recovered(place: Surroundings) -> None:
    """What a worker does that starts on the same disk: nothing of a call's process is left that holds a journal."""

    async def recover() -> bool | None:
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", "transcripts", "recover",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=place.environment(0, {}), cwd=place.directory,
        )  # fmt: skip
        await done.wait()
        return True if not any(place.journals.glob("*/*.jsonl")) else None

    await until(recover, PATIENCE_S, "the journals were not stored")
