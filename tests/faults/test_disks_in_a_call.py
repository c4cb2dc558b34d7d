"""The journals' disk fails in the middle of a call: the call goes on, the alert is raised, no word is lost."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.faults.fragile_call import Exchange, FragileCall
from tests.faults.oracle import judge, outside
from tests.faults.sentences import SPOKEN
from tests.parts.small_disk import small_disk
from tests.rooms.surroundings import Stored, Surroundings
from tests.rooms.worker_process import WorkerProcess, working

pytestmark = [pytest.mark.slow, pytest.mark.needs("linux")]

NOT_DURABLE = "not durable"
ALERT = "journal_not_durable"
SETTINGS = {"VERBATIM_STORAGE__SWEEP_SECONDS": "2"}


@dataclass(slots=True)
class Line:
    """A call whose caller asks and gets an answer each time."""

    call: FragileCall
    worker: WorkerProcess

    async def ask(self) -> None:
        """One turn, over the answer to the one before; fails where there is no answer."""
        await self.call.caller.barge_in(SPOKEN, 300)

    async def hang_up(self) -> None:
        """Hears the last answer and leaves."""
        await self.call.caller.listen()
        await self.call.hang_up()


@asynccontextmanager
async def a_call(surroundings: Surroundings) -> AsyncIterator[Line]:
    """A call after its first turn; hung up at the end of the block, while its worker goes on until the test ends."""
    with working(surroundings, "disks", SETTINGS, wait=False) as worker:
        await asyncio.to_thread(worker.wait_until_ready)
        call = await Exchange(surroundings.assemblyai).connect(surroundings, "disk", "disks", worker.pid)
        try:
            line = Line(call, worker)
            await line.ask()
            yield line
        finally:
            await call.hang_up()


async def test_a_call_goes_on_when_the_directory_of_the_journals_is_deleted(surroundings: Surroundings) -> None:
    async with a_call(surroundings) as line:
        await asyncio.to_thread(shutil.rmtree, surroundings.journals)
        await line.ask()
        await line.ask()
        await line.hang_up()
        stored = await surroundings.stored(line.call.room)
    assert_nothing_is_lost(surroundings, line.call, stored)
    assert_the_trouble_is_told(stored, line.worker.log)


@pytest.mark.needs("root")
async def test_a_call_goes_on_when_the_disk_of_the_journals_is_full(surroundings: Surroundings) -> None:
    with small_disk(surroundings.journals) as disk:
        async with a_call(surroundings) as line:
            await asyncio.to_thread(disk.fill)
            await line.ask()
            await line.ask()
            await line.hang_up()
            stored = await surroundings.stored(line.call.room)
    assert_nothing_is_lost(surroundings, line.call, stored)
    assert_the_trouble_is_told(stored, line.worker.log)


@pytest.mark.needs("root")
async def test_a_full_disk_that_has_room_again_is_used_again(surroundings: Surroundings) -> None:
    with small_disk(surroundings.journals) as disk:
        async with a_call(surroundings) as line:
            await asyncio.to_thread(disk.fill)
            await line.ask()
            await asyncio.to_thread(disk.free)
            await line.ask()
            await line.ask()
            await line.hang_up()
            stored = await surroundings.stored(line.call.room)
    assert_nothing_is_lost(surroundings, line.call, stored)
    assert_the_trouble_is_told(stored, line.worker.log)
    (gap,) = [gap for gap in stored.transcript.gaps if NOT_DURABLE in gap.reason]
    assert gap.to_ms is not None
    assert gap.to_ms < stored.transcript.ended.ms


def assert_nothing_is_lost(surroundings: Surroundings, call: FragileCall, stored: Stored) -> None:
    sessions = [each for each in surroundings.assemblyai.log()["sessions"] if each["id"] == call.stt_session]
    captions = [each.text for each in call.caller.captions if each.speaker in call.caller.agents]
    seen = outside(call.sentences, sessions, surroundings.openai.log(), captions)
    verdict = judge(seen, stored.transcript, struck_at=None)
    assert verdict.clean, verdict
    assert verdict.required >= 6


def assert_the_trouble_is_told(stored: Stored, log: str) -> None:
    assert not stored.transcript.complete
    assert any(NOT_DURABLE in gap.reason for gap in stored.transcript.gaps)
    assert ALERT in log
