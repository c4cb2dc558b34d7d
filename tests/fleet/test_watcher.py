"""The watcher: whom it asks about, what it sends, what it says."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from config import Settings
from tests.fleet.livekit_rooms import LiveKitRooms, agent, person
from tests.parts.counts import Counts
from tests.parts.livekit_server import free_ports
from tests.parts.tcp_proxy import Fault, proxy_to
from worker import errand
from worker.errand import Errand
from worker.errors import Unreachable
from worker.fleet import watcher
from worker.fleet.watcher import Watcher
from worker.metrics.definitions import REDISPATCHES

PATIENCE_S = 10.0
LONG_AGO_S = 3600.0


@pytest.fixture
async def livekit() -> AsyncIterator[LiveKitRooms]:
    async with LiveKitRooms().running() as livekit:
        yield livekit


def settings(url: str, **own: Any) -> Settings:
    livekit = {"url": url, "api_key": "key", "api_secret": "secret-of-livekit-with-32-characters"}
    return Settings.model_validate({"livekit": livekit, "agent": own})


async def test_somebody_whom_no_worker_had_room_for_is_offered_again_and_the_old_offer_deleted(
    livekit: LiveKitRooms, caplog: pytest.LogCaptureFixture, counts: Counts
) -> None:
    kitchen = livekit.open("kitchen")
    old = livekit.promise(kitchen, 6.0, job=False, metadata='{"tenant": 7}')
    told: list[watcher.Action] = []
    with caplog.at_level(logging.INFO, logger="verbatim.watch"):
        found = await Watcher(settings(livekit.url), told.append).look()
    (new,) = kitchen.dispatches
    (action,) = found.actions
    assert (new.agent_name, new.metadata) == ("verbatim", '{"tenant": 7}')
    assert (action.room, action.dispatch, action.replaced, action.cause) == ("kitchen", new.id, [old], "no_room")
    assert told == [action]
    assert counts(REDISPATCHES, cause="no_room") == 1
    (record,) = caplog.records
    assert (record.message, vars(record)["room"], vars(record)["dispatch"]) == ("dispatched again", "kitchen", new.id)
    assert "tenant" not in str(vars(record)), "what an operator writes there is not the log's business"
    assert livekit.asked_about("kitchen")[-2:] == ["CreateDispatch", "DeleteDispatch"], "a promise is there throughout"


async def test_it_is_offered_again_every_time_until_an_agent_is_there(
    livekit: LiveKitRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.fleet.promises.RETRY_S", 0.0)
    kitchen = livekit.open("kitchen", counts=(1, 2))  # somebody records: more publish than there are people
    livekit.promise(kitchen, 6.0, job=False)
    watching = Watcher(settings(livekit.url))
    for _ in range(3):
        assert len((await watching.look()).actions) == 1
        assert len(kitchen.dispatches) == 1
    kitchen.participants.append(agent())
    assert (await watching.look()).actions == []
    asked = len(livekit.asked)
    await watching.look()
    assert len(livekit.asked) == asked, "a room in which all is well is not asked about"
    kitchen.participants.pop()
    kitchen.counts = (1, 1)
    assert len((await watching.look()).actions) == 1


async def test_an_agent_that_died_comes_back_with_its_identity_and_the_call_s_past(livekit: LiveKitRooms) -> None:
    kitchen = livekit.open("kitchen")
    livekit.promise(kitchen, LONG_AGO_S, job=True, metadata=errand.write("", Errand(part=2, identity="ada")))
    (action,) = (await Watcher(settings(livekit.url)).look()).actions
    lost, back = kitchen.dispatches
    sent_for = errand.read(back.metadata)
    assert sent_for == Errand(part=2, resume_of=lost.state.jobs[0].id, identity="ada")
    assert (action.cause, action.part, action.resume_of) == ("agent_lost", 2, sent_for.resume_of)


async def test_a_watcher_that_was_started_again_does_not_send_a_second_agent(livekit: LiveKitRooms) -> None:
    kitchen = livekit.open("kitchen")
    livekit.promise(kitchen, LONG_AGO_S, job=True)
    await Watcher(settings(livekit.url)).look()
    found = await Watcher(settings(livekit.url)).look()
    assert (found.actions, found.waiting) == ([], ["kitchen"])
    assert len(kitchen.dispatches) == 2


async def test_an_agent_that_is_listed_and_was_connected_with_a_node_that_died_is_sent_again(
    livekit: LiveKitRooms,
) -> None:
    kitchen = livekit.open("kitchen", participants=[person(speaks=True), agent()], lost={"agent-verbatim-1"})
    livekit.promise(kitchen, 6.0, job=False)
    (action,) = (await Watcher(settings(livekit.url)).look()).actions
    assert action.cause == "no_room"


async def test_an_agent_that_has_not_begun_to_speak_is_not_taken_for_lost(livekit: LiveKitRooms) -> None:
    kitchen = livekit.open("kitchen", participants=[person(speaks=True), agent()])
    livekit.promise(kitchen, 6.0, job=False)
    found = await Watcher(settings(livekit.url)).look()
    assert (found.actions, found.waiting) == ([], [])


async def test_nobody_is_sent_to_a_caller_who_was_connected_with_a_node_that_died(livekit: LiveKitRooms) -> None:
    kitchen = livekit.open("kitchen", lost={"ada"})
    livekit.promise(kitchen, 6.0, job=False)
    watching = Watcher(settings(livekit.url))
    assert (await watching.look()).actions == []
    kitchen.lost.clear()
    assert len((await watching.look()).actions) == 1, "but when they are back"


async def test_in_a_room_that_no_node_has_nobody_waits(livekit: LiveKitRooms) -> None:
    livekit.open("kitchen", participants=[person(speaks=True), agent()], node=False)
    found = await Watcher(settings(livekit.url)).look()
    assert (found.actions, found.waiting) == ([], [])


@pytest.mark.parametrize("promised", ["another", ""])
async def test_nobody_is_sent_to_whom_this_agent_was_not_promised(livekit: LiveKitRooms, promised: str) -> None:
    kitchen = livekit.open("kitchen")
    livekit.promise(kitchen, LONG_AGO_S, job=False, name=promised)
    found = await Watcher(settings(livekit.url)).look()
    assert (found.actions, found.waiting) == ([], [])


async def test_where_the_agent_joins_every_room_the_dispatch_without_a_name_is_the_promise(
    livekit: LiveKitRooms,
) -> None:
    kitchen = livekit.open("kitchen")
    livekit.promise(kitchen, 6.0, job=False, name="")
    (action,) = (await Watcher(settings(livekit.url, dispatch="every_room")).look()).actions
    assert [each.agent_name for each in kitchen.dispatches] == [""]
    assert action.agent == "verbatim"


async def test_who_waits_longest_is_helped_first(livekit: LiveKitRooms) -> None:
    for name, created_s in (("second", 20.0), ("third", 30.0), ("first", 10.0)):
        livekit.promise(livekit.open(name, created_s=created_s), 6.0, job=False)
    found = await Watcher(settings(livekit.url)).look()
    assert [action.room for action in found.actions] == ["first", "second", "third"]


async def test_a_room_that_cannot_be_asked_about_keeps_nobody_else_waiting_and_is_asked_about_again(
    livekit: LiveKitRooms,
) -> None:
    gone, kitchen = livekit.open("gone", status=503, counts=(1, 2)), livekit.open("kitchen")
    for room in (gone, kitchen):
        livekit.promise(room, 6.0, job=False)
    watching = Watcher(settings(livekit.url))
    found = await watching.look()
    assert [action.room for action in found.actions] == ["kitchen"]
    assert found.waiting == ["gone"]
    gone.status = 200
    assert [action.room for action in (await watching.look()).actions] == ["gone"]


async def test_an_alert_is_given_once_when_agents_keep_dying_and_once_when_that_is_over(
    livekit: LiveKitRooms, caplog: pytest.LogCaptureFixture
) -> None:
    kitchen = livekit.open("kitchen")
    for age_s in (120.0, 90.0, 60.0):
        livekit.promise(kitchen, age_s, job=True)
    watching = Watcher(settings(livekit.url))
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            found = await watching.look()
            assert (found.actions, found.waiting, found.hopeless) == ([], ["kitchen"], ["kitchen"])
        kitchen.participants = [person(), agent()]
        assert (await watching.look()).hopeless == []
    assert [(record.name, vars(record)["alert"], vars(record).get("over")) for record in caplog.records] == [
        ("verbatim.alert", "agents_keep_dying", None),
        ("verbatim.alert", "agents_keep_dying", True),
    ]


async def test_the_alert_is_over_when_the_room_is(livekit: LiveKitRooms, caplog: pytest.LogCaptureFixture) -> None:
    kitchen = livekit.open("kitchen")
    for age_s in (120.0, 90.0, 60.0):
        livekit.promise(kitchen, age_s, job=True)
    watching = Watcher(settings(livekit.url))
    await watching.look()
    livekit.rooms.clear()
    assert (await watching.look()).hopeless == []
    assert vars(caplog.records[-1])["over"]


async def test_a_server_that_is_away_is_waited_for_and_that_is_said_once(
    livekit: LiveKitRooms, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watcher, "INTERVAL_S", 0.01)
    looks = 0
    look = Watcher.look

    async def counted(self: Watcher) -> watcher.Round:
        nonlocal looks
        looks += 1
        return await look(self)

    monkeypatch.setattr(Watcher, "look", counted)
    async with proxy_to(int(livekit.url.rsplit(":", 1)[1])) as proxy:
        await proxy.set(Fault.STOPPED)
        watching = asyncio.create_task(Watcher(settings(f"ws://127.0.0.1:{proxy.port}")).run())
        with caplog.at_level(logging.INFO, logger="verbatim.watch"):
            async with asyncio.timeout(PATIENCE_S):
                while looks < 4:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.01)
                assert len(caplog.records) == 1
                await proxy.set(Fault.NONE)
                while len(caplog.records) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        watching.cancel()
        await asyncio.wait({watching})
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0].startswith("nobody who waits can be helped now: The LiveKit server at ws://127.0.0.1")
    assert "cannot be reached" in messages[0]
    assert messages[1] == "LiveKit answers again"


async def test_a_look_that_fails_for_whatever_reason_is_not_the_last(
    livekit: LiveKitRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "INTERVAL_S", 0.01)
    looked_again = asyncio.Event()
    looks = 0

    async def failing(_: Watcher) -> None:
        nonlocal looks
        looks += 1
        if looks > 1:
            looked_again.set()
        raise KeyError("a defect")

    monkeypatch.setattr(Watcher, "look", failing)
    watching = asyncio.create_task(Watcher(settings(livekit.url)).run())
    async with asyncio.timeout(PATIENCE_S):
        await looked_again.wait()
    watching.cancel()
    await asyncio.wait({watching})


async def test_one_look_at_a_server_that_is_away_says_so() -> None:
    (port,) = free_ports(1)
    with pytest.raises(Unreachable, match="cannot be reached"):
        await Watcher(settings(f"ws://127.0.0.1:{port}")).look()
