"""A worker whose job is gone sends the next agent, once, and only where somebody waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit.protocol.agent import Job
from livekit.protocol.agent_dispatch import AgentDispatch
from livekit.protocol.models import Room

from config import Settings
from config.sections.livekit import LiveKitSettings
from tests.fleet.livekit_rooms import LiveKitRooms, OneRoom, agent, person
from tests.storage.left import call, left
from worker import errand
from worker.fleet import successors
from worker.fleet.successors import Successors
from worker.storage.journal.lock import lock_new

PATIENCE_S = 10.0


class Rooms(LiveKitRooms):
    """A server whose only worker takes each dispatch at once, where it has room."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}
        self.has_room = True
        self.looks = 0
        """How often the worker has looked at its jobs."""

    def _create_dispatch(self, body: bytes) -> Any:
        made = super()._create_dispatch(body)
        assert isinstance(made, AgentDispatch)
        if self.has_room:
            self.take(made.id, self.rooms[made.room])
        return made

    def take(self, dispatch: str, room: OneRoom) -> Job:
        """Lets a job of the worker begin."""
        job = Job(id=f"AJ_{dispatch}", dispatch_id=dispatch, room=Room(name=room.name, sid=f"RM_{room.name}"))
        self.jobs[job.id] = job
        return job


@pytest.fixture
async def livekit() -> AsyncIterator[Rooms]:
    rooms = Rooms()
    async with rooms.running():
        yield rooms


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_SECONDS", "ROOM_LOOK_SECONDS"):
        monkeypatch.setattr(successors, name, 0.01)


def settings(url: str, directory: Path, grace: float = 20) -> Settings:
    return Settings.model_validate(
        {
            "livekit": {"url": url, "api_key": "key", "api_secret": "secret-of-livekit-with-32-characters"},
            "storage": {"journal_dir": str(directory)},
            "fleet": {"rejoin_grace": grace},
        }
    )


@asynccontextmanager
async def watching(livekit: Rooms, directory: Path, grace: float = 20) -> AsyncIterator[Successors]:
    """The successors of a worker that is registered."""
    registered = asyncio.Event()
    registered.set()

    def jobs() -> dict[str, Job]:
        livekit.looks += 1
        return dict(livekit.jobs)

    found = Successors(settings(livekit.url, directory, grace), jobs)
    await found.inherit()
    running = asyncio.create_task(found.run(registered))
    try:
        await until(lambda: livekit.looks > 1)
        yield found
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def held_by(livekit: Rooms, name: str = "support") -> OneRoom:
    """A room with a caller whose agent's job is one of the worker's."""
    room = livekit.open(name)
    livekit.take(livekit.promise(room, 60.0, job=False), room)
    room.participants.append(agent())
    return room


async def until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - a server tells nobody that it was asked
            await asyncio.sleep(0.01)


async def settle(livekit: Rooms, looks: int = 20) -> None:
    """Waits until the worker has looked at its jobs so often that it would have looked at the room as well."""
    before = livekit.looks
    await until(lambda: livekit.looks >= before + looks)


def sent(room: OneRoom) -> list[str | None]:
    """Whose calls the dispatches of a room go on with."""
    return [errand.read(each.metadata).resume_of for each in room.dispatches]


async def test_a_job_that_died_is_followed_once_though_its_agent_is_still_listed(
    livekit: Rooms, tmp_path: Path
) -> None:
    room = held_by(livekit)
    async with watching(livekit, tmp_path):
        left(tmp_path, call(ends=False, session="RM_support"), session="RM_support", name="AJ_AD_1")
        del livekit.jobs["AJ_AD_1"]
        await until(lambda: len(room.dispatches) == 2)
        await settle(livekit)
    assert sent(room) == [None, "AJ_AD_1"]


async def test_what_is_left_of_the_dead_agent_goes_before_the_next_one_comes(livekit: Rooms, tmp_path: Path) -> None:
    room = held_by(livekit)
    async with watching(livekit, tmp_path):
        del livekit.jobs["AJ_AD_1"]
        await until(lambda: len(room.dispatches) == 2)
    asked = livekit.asked_about("support")
    assert asked.index("RemoveParticipant") < asked.index("CreateDispatch")
    assert [each.identity for each in room.participants] == ["ada"]


async def test_a_job_that_ended_is_followed_when_its_caller_comes_back(livekit: Rooms, tmp_path: Path) -> None:
    room = held_by(livekit)
    room.participants.clear()
    async with watching(livekit, tmp_path):
        del livekit.jobs["AJ_AD_1"]
        await settle(livekit)
        assert len(room.dispatches) == 1
        room.participants.append(person())
        await until(lambda: len(room.dispatches) == 2)


async def test_without_a_grace_nobody_who_comes_back_is_followed(livekit: Rooms, tmp_path: Path) -> None:
    room = held_by(livekit)
    async with watching(livekit, tmp_path, grace=0):
        del livekit.jobs["AJ_AD_1"]
        await settle(livekit)
    assert len(room.dispatches) == 1


async def test_nobody_is_sent_into_another_room_of_the_same_name(livekit: Rooms, tmp_path: Path) -> None:
    room = held_by(livekit)
    livekit.jobs["AJ_AD_1"].room.sid = "RM_before"
    async with watching(livekit, tmp_path):
        livekit.jobs.clear()
        await settle(livekit)
    assert len(room.dispatches) == 1


async def test_nobody_is_sent_where_another_was_sent_already(livekit: Rooms, tmp_path: Path) -> None:
    room = held_by(livekit)
    async with watching(livekit, tmp_path):
        livekit.promise(room, 0.0, job=False, metadata=errand.write("", errand.Errand(resume_of="AJ_AD_1")))
        del livekit.jobs["AJ_AD_1"]
        await settle(livekit)
    assert sent(room) == [None, "AJ_AD_1"]


async def test_livekit_cloud_sends_the_next_agent_itself(
    livekit: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveKitSettings, "is_cloud", True)
    room = held_by(livekit)
    left(tmp_path, call(ends=False, session="RM_support"), session="RM_support", name="AJ_AD_1")
    async with watching(livekit, tmp_path):
        del livekit.jobs["AJ_AD_1"]
        await settle(livekit)
    assert len(room.dispatches) == 1


async def test_an_offer_that_no_worker_took_is_made_again_and_the_first_taken_back(
    livekit: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(successors, "TAKEN_SECONDS", 0.05)
    room = held_by(livekit)
    livekit.has_room = False
    async with watching(livekit, tmp_path):
        del livekit.jobs["AJ_AD_1"]
        await until(lambda: livekit.asked_about("support").count("DeleteDispatch") >= 1)
        livekit.has_room = True
        await until(lambda: livekit.jobs)
    assert sent(room) == [None, "AJ_AD_1"]


async def test_the_calls_of_a_worker_that_was_killed_are_followed_once_its_jobs_are_gone(
    livekit: Rooms, tmp_path: Path
) -> None:
    room = livekit.open("support")
    livekit.promise(room, 60.0, job=True)
    path = left(tmp_path, call(ends=False, session="RM_support"), session="RM_support")
    holder = path.open("rb")
    lock_new(holder.fileno(), path)
    async with watching(livekit, tmp_path):
        assert len(room.dispatches) == 1
        holder.close()
        await until(lambda: len(room.dispatches) == 2)
    assert sent(room) == [None, "AJ_1"]


async def test_the_call_of_a_node_that_was_lost_with_its_worker_is_followed_in_the_room_that_was_made_again(
    livekit: Rooms, tmp_path: Path
) -> None:
    room = livekit.open("support", participants=[person(), agent()], lost={"agent-verbatim-1"})
    livekit.promise(room, 60.0, job=False)
    left(tmp_path, call(ends=False, session="RM_support"), session="RM_support")
    async with watching(livekit, tmp_path):
        await until(lambda: len(room.dispatches) == 2)
    assert sent(room) == [None, "AJ_1"]


async def test_calls_that_have_ended_are_nobodys_inheritance(livekit: Rooms, tmp_path: Path) -> None:
    room = livekit.open("support")
    livekit.promise(room, 60.0, job=True)
    left(tmp_path, call(session="RM_support"), session="RM_support")
    async with watching(livekit, tmp_path):
        await settle(livekit)
    assert len(room.dispatches) == 1
