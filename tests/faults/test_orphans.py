"""A call's process that hangs does not outlive its worker: its transcript is stored all the same."""

import signal

import pytest

from tests.faults.fragile_call import Exchange
from tests.faults.matrix import SETTINGS, place_for
from tests.faults.sentences import SPOKEN
from tests.rooms.surroundings import Surroundings
from tests.rooms.worker_process import working

pytestmark = pytest.mark.slow

DEAD_WITHIN_S = 60.0


async def test_a_call_whose_loop_is_blocked_ends_after_its_worker_was_killed(surroundings: Surroundings) -> None:
    place = place_for(surroundings, "orphans")
    with working(place, "orphans", SETTINGS) as worker:
        call = await Exchange(surroundings.assemblyai).connect(place, "orphan", "orphans", worker.pid)
        try:
            await call.caller.barge_in(SPOKEN, 300)
            await call.caller.listen()
            await call.tell("block")
            worker.signal(signal.SIGKILL)
        finally:
            await call.hang_up()
    try:
        await call.job_dead(DEAD_WITHIN_S)
    finally:
        if call.job.is_running():
            call.kill_job()
    with working(place, "orphans", SETTINGS):
        stored = await place.stored(call.room, 60)
    assert stored.texts("user") == [call.sentences[0]]
    assert stored.transcript.ended.reason == "crashed"
