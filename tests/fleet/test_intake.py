"""How a worker answers an offered call: whose it is, whether there is a place, and what the refused are told."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.room import ListParticipantsRequest, ListParticipantsResponse, UpdateSubscriptionsRequest

from config import Settings
from tests.fleet.livekit_rooms import nobody_answers
from tests.parts.counts import Counts
from worker import errand
from worker.errand import Errand
from worker.fleet.admission import MEGABYTE, Memory
from worker.fleet.intake import Intake
from worker.metrics.definitions import CALLS_REFUSED

PATIENCE_S = 10.0
AGENT = ParticipantInfo(
    identity="agent-verbatim-1", kind=ParticipantInfo.Kind.AGENT, state=ParticipantInfo.State.ACTIVE
)


def person(identity: str, *, speaks: bool = False) -> ParticipantInfo:
    return ParticipantInfo(identity=identity, state=ParticipantInfo.State.ACTIVE, is_publisher=speaks)


class Request:
    """A call that is offered; `accept` waits until the test lets it go on."""

    def __init__(
        self,
        job: str = "AJ_1",
        metadata: str = "",
        *,
        publishers: int = 0,
        fails: bool = False,
        age_s: float = 0.0,
    ) -> None:
        self.id = job
        self.job = SimpleNamespace(metadata=metadata)
        self.room = Room(name=f"room of {job}", num_publishers=publishers, creation_time=int(time.time() - age_s))
        self.accepted: dict[str, Any] | None = None
        self.rejected: dict[str, Any] | None = None
        self.answered = asyncio.Event()
        self.go_on = asyncio.Event()
        self._fails = fails

    async def accept(self, **options: Any) -> None:
        self.accepted = options
        self.answered.set()
        await self.go_on.wait()
        if self._fails:
            raise TimeoutError("no assignment came")

    async def reject(self, **options: Any) -> None:
        self.rejected = options
        self.answered.set()


class Server:
    """Says who is in a room."""

    def __init__(self) -> None:
        self.url = ""
        self.people: dict[str, list[ParticipantInfo]] = {}
        self.asked: list[str] = []
        self.lost: set[str] = set()
        """Who is listed, and was connected with a node that died."""
        self.status = 200

    async def is_connected(self, request: web.Request) -> web.Response:
        if UpdateSubscriptionsRequest.FromString(await request.read()).identity in self.lost:
            raise nobody_answers()
        return web.Response(content_type="application/protobuf")

    async def answer(self, request: web.Request) -> web.Response:
        room = ListParticipantsRequest.FromString(await request.read()).room
        self.asked.append(room)
        listed = ListParticipantsResponse(participants=self.people.get(room, []))
        return web.Response(status=self.status, body=listed.SerializeToString(), content_type="application/protobuf")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/twirp/livekit.RoomService/ListParticipants", server.answer)
    app.router.add_post("/twirp/livekit.RoomService/UpdateSubscriptions", server.is_connected)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


class Desk:
    """An intake, and what a test says about the rest of the worker."""

    def __init__(self, url: str, journal_dir: Path, **fleet: Any) -> None:
        livekit = {"url": url, "api_key": "key", "api_secret": "secret-of-livekit-with-32-characters"}
        storage = {"journal_dir": journal_dir}
        settings = Settings.model_validate({"livekit": livekit, "storage": storage, "fleet": fleet})
        self.jobs: set[str] = set()
        self.draining = False
        self.intake = Intake(settings, lambda: self.jobs, lambda: None, lambda: self.draining)
        self.intake._memory = Memory(8000 * MEGABYTE, 0)

    async def offer(self, request: Request) -> "asyncio.Task[None]":
        answering = asyncio.create_task(self.intake.answer(request))  # type: ignore[arg-type]
        async with asyncio.timeout(PATIENCE_S):
            await request.answered.wait()
        return answering

    async def take(self, request: Request) -> bool:
        """Offers a call, which goes on when it is accepted."""
        request.go_on.set()
        await (await self.offer(request))
        if request.accepted is not None:
            self.jobs.add(request.id)
        return request.accepted is not None


@pytest.fixture
def desk(server: Server, tmp_path: Path) -> Callable[..., Desk]:
    return lambda **fleet: Desk(server.url, tmp_path, **fleet)


async def test_of_two_calls_at_once_the_last_place_takes_one_and_the_other_is_left_to_other_workers(
    desk: Callable[..., Desk],
) -> None:
    front = desk(max_sessions=1)
    first, second = Request("AJ_1"), Request("AJ_2")
    offers = [await front.offer(first), await front.offer(second)]
    assert first.accepted is not None and first.rejected is None
    assert second.accepted is None and second.rejected == {"terminate": False}
    assert front.intake.sessions == 1
    first.go_on.set()
    await asyncio.gather(*offers)
    assert front.intake.sessions == 0


async def test_each_refusal_is_counted_by_its_reason(desk: Callable[..., Desk], counts: Counts) -> None:
    front = desk(max_sessions=1)
    for number in range(3):
        await front.take(Request(f"AJ_{number}"))
    front.draining = True
    await front.take(Request("AJ_9"))
    assert counts(CALLS_REFUSED, reason="full") == 2
    assert counts(CALLS_REFUSED, reason="draining") == 1


async def test_the_last_place_is_held_while_the_server_is_asked(desk: Callable[..., Desk]) -> None:
    front = desk(max_sessions=1)
    requests = [Request(f"AJ_{number}", publishers=1) for number in range(3)]
    assert sorted(await asyncio.gather(*(front.take(each) for each in requests))) == [False, False, True]


async def test_a_call_that_was_just_accepted_takes_one_place_and_not_two(desk: Callable[..., Desk]) -> None:
    front = desk(max_sessions=2)
    request = Request()
    offering = await front.offer(request)
    front.jobs.add(request.id)  # it runs before `accept` returns
    assert front.intake.sessions == 1
    request.go_on.set()
    await offering


async def test_a_call_that_could_not_be_taken_after_all_frees_its_place(desk: Callable[..., Desk]) -> None:
    front = desk(max_sessions=1)
    request = Request(fails=True)
    offering = await front.offer(request)
    request.go_on.set()
    with pytest.raises(TimeoutError):
        await offering
    assert front.intake.sessions == 0


async def test_an_agent_has_the_identity_of_the_part_that_it_is_sent_for(desk: Callable[..., Desk]) -> None:
    request = Request(metadata=errand.write("", Errand(part=3, resume_of="AJ_0")))
    assert await desk().take(request)
    assert request.accepted == {"identity": "agent-verbatim-3"}


async def test_a_room_in_which_an_agent_is_needs_no_other(desk: Callable[..., Desk], server: Server) -> None:
    server.people["room of AJ_1"] = [person("ada"), AGENT]
    assert not await desk().take(Request(publishers=2))
    back = Request(metadata=errand.write("", Errand(resume_of="AJ_0")), publishers=2)
    assert await desk().take(back), "it drives out what was left of the one that died"


async def test_an_agent_that_was_connected_with_a_node_that_died_is_no_hindrance(
    desk: Callable[..., Desk], server: Server
) -> None:
    server.people["room of AJ_1"] = [person("ada", speaks=True), AGENT]
    assert not await desk().take(Request(publishers=1)), "it has not begun to speak"
    server.lost = {AGENT.identity}
    assert await desk().take(Request(publishers=1))


async def test_in_a_room_that_is_made_again_the_new_agent_has_the_identity_of_the_one_that_may_come_back(
    desk: Callable[..., Desk], server: Server
) -> None:
    second = ParticipantInfo()
    second.CopyFrom(AGENT)
    second.identity = "agent-verbatim-2"
    server.people["room of AJ_1"] = [person("ada"), AGENT, second]
    request = Request(age_s=60.0)
    assert await desk().take(request)
    assert request.accepted == {"identity": "agent-verbatim-2"}


async def test_for_a_room_that_was_just_made_the_server_is_not_asked(desk: Callable[..., Desk], server: Server) -> None:
    assert await desk().take(Request())
    assert server.asked == []


async def test_a_server_that_does_not_say_who_is_there_keeps_nobody_from_a_call(
    desk: Callable[..., Desk], server: Server
) -> None:
    server.status = 503
    assert await desk(max_calls_per_identity=1).take(Request(publishers=1))


async def test_one_caller_holds_no_more_calls_than_are_allowed_until_one_ends(
    desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    front = desk(max_calls_per_identity=1)
    ada, bob = (errand.write("", Errand(identity=name)) for name in ("ada", "bob"))
    with caplog.at_level(logging.INFO):
        assert await front.take(Request("AJ_1", ada))
        assert not await front.take(Request("AJ_2", ada))
        assert not await front.take(Request("AJ_2", ada))
        assert await front.take(Request("AJ_3", bob))
        front.intake._end_alerts()
        front.jobs.discard("AJ_1")
        front.jobs.discard("AJ_3")
        front.intake._end_alerts()
        assert await front.take(Request("AJ_4", ada))
    alerts = [record for record in caplog.records if record.name == "verbatim.alert"]
    assert [vars(record)["alert"] for record in alerts] == ["too_many_calls_of_one_identity"] * 2
    assert vars(alerts[1])["over"]
    assert "ada" not in caplog.text


async def test_a_caller_whom_the_dispatch_does_not_name_is_asked_for(desk: Callable[..., Desk], server: Server) -> None:
    front = desk(max_calls_per_identity=1)
    server.people = {"room of AJ_1": [person("ada")], "room of AJ_2": [person("ada")], "room of AJ_3": [person("bob")]}
    assert [await front.take(Request(f"AJ_{number}")) for number in (1, 2, 3)] == [True, False, True]


async def test_of_several_people_in_a_room_nobody_is_the_caller(desk: Callable[..., Desk], server: Server) -> None:
    front = desk(max_calls_per_identity=1)
    both = [person("ada"), person("bob")]
    server.people = {"room of AJ_1": both, "room of AJ_2": both}
    assert await front.take(Request("AJ_1")) and await front.take(Request("AJ_2"))


async def test_when_the_day_s_minutes_are_used_up_only_calls_that_go_on_are_taken(
    desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    front = desk(daily_budget=2)
    assert front.intake._budget is not None
    assert await front.take(Request("AJ_1"))
    front.intake._budget.spend(120)
    with caplog.at_level(logging.WARNING):
        assert not await front.take(Request("AJ_2"))
        assert not await front.take(Request("AJ_2"))
    assert await front.take(Request("AJ_3", errand.write("", Errand(resume_of="AJ_1"))))
    assert [vars(record)["alert"] for record in caplog.records] == ["daily_budget_spent"]
    assert front.intake.crowded is not None and "fleet.daily_budget" in front.intake.crowded
    told = front.intake.told()
    assert told["refused"] == {"daily_budget": 2}
    assert told["budget"] == {"minutes": 2.0, "daily_budget": 2}


async def test_minutes_are_those_of_all_running_calls(
    desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("worker.fleet.intake.COUNT_SECONDS", 0.01)
    front = desk(daily_budget=1)
    assert front.intake._budget is not None
    front.jobs = {"AJ_1", "AJ_2", "AJ_3"}
    began = asyncio.get_running_loop().time()
    measuring = asyncio.create_task(front.intake.run())
    async with asyncio.timeout(PATIENCE_S):
        while front.intake._budget.minutes < 0.3 / 60:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
    took = asyncio.get_running_loop().time() - began
    measuring.cancel()
    await asyncio.wait({measuring})
    assert took < 0.3 or front.intake._budget.minutes * 60 / took == pytest.approx(3, rel=0.5)
    assert (tmp_path / "minutes-today.json").exists(), "they are kept when the worker ends"


async def test_a_worker_without_memory_for_another_call_takes_none_and_says_so(desk: Callable[..., Desk]) -> None:
    front = desk()
    front.intake._memory = Memory(1000 * MEGABYTE, 850 * MEGABYTE)
    assert not await front.take(Request())
    assert front.intake.load == 1.0
    assert front.intake.crowded is not None and "memory" in front.intake.crowded


async def test_memory_and_the_loop_are_measured_while_it_runs(desk: Callable[..., Desk]) -> None:
    front = desk()
    front.intake._memory = None
    measuring = asyncio.create_task(front.intake.run())
    async with asyncio.timeout(PATIENCE_S):
        while front.intake._memory is None or not front.intake._loop_lag._late:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
    measuring.cancel()
    await asyncio.wait({measuring})
