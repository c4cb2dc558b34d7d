"""The kill matrix: real calls on real workers, each struck at a random moment.

Two chains of calls go on beside each other. In one, harms that end a single call, several calls at once on one
worker. In the other, harms to a whole worker, which is started again after each, as a platform would.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

from livekit.rtc.participant import PublishTrackError

from standins.caller import Caller, CallerError
from tests.faults import fragile_agent
from tests.faults.fragile_call import Exchange, FragileCall
from tests.faults.harm import (
    DEAD_AT_ONCE_S,
    DEAD_WITHIN_S,
    JOB_MEMORY_LIMIT_MB,
    ONE_CALL,
    TOLD,
    WHOLE_WORKER,
    Harm,
)
from tests.faults.outcome import Ended, Outcome, outcome_of
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Stored, Surroundings
from tests.rooms.worker_process import WorkerProcess, launch
from worker.storage.names import MANIFEST

CALLS_AT_ONCE = 3
BLOCKED_AT_ONCE = 5
"""Beside them: such a call does nothing for the minute that its process has left."""
CALLS_A_WORKER = 2
READY_WITHIN_S = 150.0
"""Workers start while calls go on: on a small machine that takes long."""
FINAL_WITHIN_S = 90.0
WORKER_ENDED_WITHIN_S = 120.0

SETTINGS = {
    "VERBATIM_AGENT__CLASS": "fragile_agent:Fragile",
    "VERBATIM_FLEET__JOB_MEMORY_LIMIT_MB": str(JOB_MEMORY_LIMIT_MB),
    "VERBATIM_FLEET__JOB_MEMORY_WARN_MB": "0",
    "VERBATIM_FLEET__IDLE_PROCESSES": "2",
    # What is left of a call that is struck is looked at, not how it goes on.
    "VERBATIM_FLEET__SEND_AGAIN": "false",
    # More than are made at once, on any machine: a call that is refused comes to no agent again.
    "VERBATIM_FLEET__MAX_SESSIONS": "12",
    "VERBATIM_FLEET__MAX_LOOP_LAG_MS": "60000",
    "VERBATIM_STORAGE__SWEEP_SECONDS": "2",
    # A job that has stored its call and does not end holds the drain up until then.
    "VERBATIM_FLEET__DRAIN_TIMEOUT": "30",
}


async def run_matrix(surroundings: Surroundings, count: int, seed: int) -> Outcome:
    """Does every harm `count` times.

    Args:
        surroundings: A livekit-server, the stand-ins, the recogniser's with the light engine, and a directory.
        count: How often each harm is done.
        seed: Of all that is left to chance. How fast the machine is stays out of its hands.

    Raises:
        ExceptionGroup: a call could not be made, or a process did not end.
    """
    calls, workers = place_for(surroundings, "calls"), place_for(surroundings, "workers")
    exchange = Exchange(surroundings.assemblyai)
    async with asyncio.TaskGroup() as chains:
        single = chains.create_task(_Calls(calls, exchange, seed).strike(count))
        whole = chains.create_task(_Workers(workers, exchange, seed).strike(count))
    return outcome_of(
        seed,
        [*single.result(), *whole.result()],
        await asyncio.to_thread(surroundings.assemblyai.log),
        await asyncio.to_thread(surroundings.openai.log),
        dict.fromkeys(Harm, count),
        [calls, workers],
    )


class _Calls:
    """Harms to single calls, on one worker that lives through all of them."""

    def __init__(self, place: Surroundings, exchange: Exchange, seed: int) -> None:
        self._place = place
        self._exchange = exchange
        self._seed = seed
        self._lines = asyncio.Semaphore(CALLS_AT_ONCE)
        self._blocked_lines = asyncio.Semaphore(BLOCKED_AT_ONCE)

    async def strike(self, count: int) -> list[Ended]:
        """Does each `count` times, in any order."""
        harms = [(harm, number) for harm in ONE_CALL for number in range(count)]
        random.Random(self._seed).shuffle(harms)
        with _stopped(launch(self._place, "calls", SETTINGS, own_group=True)) as worker:
            await asyncio.to_thread(worker.wait_until_ready, READY_WITHIN_S)
            async with asyncio.TaskGroup() as calls:
                tasks = [calls.create_task(self._one(worker, harm, number)) for harm, number in harms]
        return [task.result() for task in tasks]

    async def _one(self, worker: WorkerProcess, harm: Harm, number: int) -> Ended:
        async with self._blocked_lines if harm is Harm.LOOP_BLOCKED else self._lines:
            # Of the exits, every other one comes before there is a conversation.
            if harm is Harm.SYS_EXIT and number % 2:
                return await self._exit_at_entry()
            chance = random.Random(f"{self._seed} {harm} {number}")
            call = await self._exchange.connect(self._place, harm.name.lower(), "calls", worker.pid)
            async with _hung_up(call):
                call.talk(chance)
                await call.moment(chance)
                struck_at = await _strike_call(call, harm)
            return await _ended(self._place, call, harm, struck_at)

    async def _exit_at_entry(self) -> Ended:
        room = new_room(fragile_agent.ENTRY)
        struck_at = time.time()
        async with Caller() as caller:
            # The worker closes the room, perhaps before the caller has quite joined it.
            with contextlib.suppress(CallerError, PublishTrackError):
                await caller.join(self._place.livekit.url, self._place.invite(room, agent="calls"))
            stored, final_at = await _stored(self._place, room)
        return Ended(Harm.SYS_EXIT, room, stored, struck_at, final_at - struck_at)


async def _strike_call(call: FragileCall, harm: Harm) -> float:
    """Does a harm to one call and waits until its process is gone; returns when it was done, in Unix seconds."""
    if harm in TOLD:
        await call.tell(TOLD[harm])
    else:
        call.kill_job()
    struck_at = time.time()
    if harm is Harm.LOOP_BLOCKED:
        await call.quiet()
    await call.job_dead(DEAD_WITHIN_S.get(harm, DEAD_AT_ONCE_S))
    # A process over its limit goes on with the call until the framework looks at its memory.
    return time.time() if harm is Harm.MEMORY_LIMIT else struck_at


class _Workers:
    """Harms to a whole worker with several calls; another one is started after each."""

    def __init__(self, place: Surroundings, exchange: Exchange, seed: int) -> None:
        self._place = place
        self._exchange = exchange
        self._seed = seed

    async def strike(self, count: int) -> list[Ended]:
        """Does each `count` times."""
        rounds = [(harm, number) for number in range(count) for harm in WHOLE_WORKER]
        ended: list[Ended] = []
        with contextlib.ExitStack() as started:
            worker = started.enter_context(_stopped(self._start()))
            for harm, number in rounds:
                await asyncio.to_thread(worker.wait_until_ready, READY_WITHIN_S)
                chance = random.Random(f"{self._seed} {harm} {number}")
                calls, struck_at = await self._round(worker, harm, chance)
                worker = started.enter_context(_stopped(self._start()))
                final = [_ended(self._place, call, harm, struck_at) for call in calls]
                ended += await asyncio.gather(*final)
        return ended

    def _start(self) -> WorkerProcess:
        return launch(self._place, "workers", SETTINGS, own_group=True)

    async def _round(self, worker: WorkerProcess, harm: Harm, chance: random.Random) -> tuple[list[FragileCall], float]:
        async with contextlib.AsyncExitStack() as hung_up:
            calls = []
            for _ in range(CALLS_A_WORKER):
                call = await self._exchange.connect(self._place, harm.name.lower(), "workers", worker.pid)
                await hung_up.enter_async_context(_hung_up(call))
                call.talk(random.Random(chance.random()))
                calls.append(call)
            await calls[0].moment(chance)
            struck_at = await _strike_worker(worker, harm, chance, calls)
            status = await asyncio.to_thread(worker.wait, WORKER_ENDED_WITHIN_S)
            assert status == {Harm.KILL_WORKER: -signal.SIGKILL, Harm.SECOND_SIGTERM: 1}.get(harm, 0)
        return calls, struck_at


async def _strike_worker(worker: WorkerProcess, harm: Harm, chance: random.Random, calls: list[FragileCall]) -> float:
    """Does a harm to a worker; returns when it was done, in Unix seconds."""
    match harm:
        case Harm.KILL_WORKER:
            worker.signal(signal.SIGKILL)
        case Harm.TERMINATE_GROUP:
            os.killpg(worker.pid, signal.SIGTERM)
            # The calls go on until their callers end them.
            await asyncio.sleep(chance.uniform(2, 6))
            await asyncio.gather(*(call.hang_up() for call in calls))
        case _:
            worker.signal(signal.SIGTERM)
            # Two signals that are sent in one moment arrive as one.
            await asyncio.to_thread(worker.wait_until_draining)
            await asyncio.sleep(chance.uniform(0, 4))
            worker.signal(signal.SIGTERM)
    return time.time()


async def _ended(place: Surroundings, call: FragileCall, harm: Harm, struck_at: float) -> Ended:
    """Waits until a call's transcript is final."""
    stored, final_at = await _stored(place, call.room)
    return Ended(
        harm=harm,
        room=call.room,
        stored=stored,
        # Who is told to end, ends in order: nothing may be missing.
        struck_at=None if harm is Harm.TERMINATE_GROUP else struck_at,
        final_after_s=final_at - struck_at,
        sentences=call.sentences,
        stt_sessions=[call.stt_session],
        captions=[each.text for each in call.caller.captions if each.speaker in call.caller.agents],
    )


async def _stored(place: Surroundings, room: str) -> tuple[Stored | None, float]:
    """The transcript of a room, once it is final, and when it was written last, in Unix seconds."""
    try:
        stored = await place.stored(room, FINAL_WITHIN_S)
    except TimeoutError:
        return None, time.time()
    return stored, (stored.directory / MANIFEST).stat().st_mtime


@contextlib.asynccontextmanager
async def _hung_up(call: FragileCall) -> AsyncIterator[FragileCall]:
    """Ends the caller's side with the block."""
    try:
        yield call
    finally:
        await call.hang_up()


@contextlib.contextmanager
def _stopped(worker: WorkerProcess) -> Iterator[WorkerProcess]:
    """Stops the worker with the block, if it still runs; where something failed, all its processes."""
    try:
        yield worker
        worker.stop()
    except BaseException:
        # A job whose loop is blocked does not see that its worker is gone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.stop()
        raise


def place_for(surroundings: Surroundings, name: str) -> Surroundings:
    """The same services with journals and transcripts of its own, and the agent's file where its worker finds it."""
    place = replace(surroundings, directory=surroundings.directory / name)
    (place.directory / name).mkdir(parents=True)
    shutil.copy(fragile_agent.__file__, place.directory / name)
    return place
