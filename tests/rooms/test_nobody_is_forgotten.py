"""More callers than the workers have room for, and a worker that dies: everybody is served, however late."""

import asyncio
import contextlib
import shutil
import signal
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from livekit import api, rtc

from config import Settings
from standins.caller import Caller
from standins.openai.replies import GREETING, RULES
from tests.rooms import patient_caller
from tests.rooms.conversation import new_room
from tests.rooms.deployment import START_S, started, watcher, worker
from tests.rooms.patient_caller import QUESTION, Served
from tests.rooms.surroundings import Surroundings, until
from worker.fleet.watcher import Watcher

pytestmark = [pytest.mark.slow, pytest.mark.needs("livekit-server", "flite")]

PATIENCE_S = 240.0
BYE = "I am finished for today."
BACK_WITHIN_S = 35.0
"""A killed agent is listed for 20 s more, counts lag behind by 5, and the watcher looks every 5."""


def own_disk(place: Surroundings, name: str) -> dict[str, str]:
    """Settings of a worker whose journals no other one sees."""
    return {"VERBATIM_STORAGE__JOURNAL_DIR": str(place.directory / name / "journals")}


async def callers(place: Surroundings, count: int, apart_s: float) -> list[Served]:
    """So many callers, one after another, who stay until they are served."""

    async def one(number: int) -> Served:
        await asyncio.sleep(number * apart_s)
        room = new_room(f"burst-{number}")
        return await patient_caller.call(place.livekit.url, place.invite(room), room, PATIENCE_S)

    return await asyncio.gather(*(one(number) for number in range(count)))


async def check(place: Surroundings, served: list[Served], record: Callable[[str, object], None]) -> None:
    """Each was greeted and answered, and has a transcript that says so."""
    for each in served:
        assert each.greeting == GREETING
        assert each.answer == answer_to(QUESTION)
        stored = await place.stored(each.room, PATIENCE_S)
        assert stored.texts("user") == [QUESTION]
        assert stored.texts("agent") == [each.greeting, each.answer]
        assert stored.transcript.complete
    waits = sorted(each.greeted_after_s for each in served)
    record("greeted_after_s", [round(wait, 1) for wait in waits])
    record("greeted_after_s_median", round(statistics.median(waits), 1))


def answer_to(question: str) -> str:
    return next(rule.replies[0] for rule in RULES if rule.pattern.search(question.lower()))


@pytest.mark.timeout(600)
async def test_of_8_callers_a_second_apart_on_a_worker_for_4_none_is_left_in_silence(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    with worker(place, "alone", VERBATIM_FLEET__MAX_SESSIONS="4", VERBATIM_FLEET__WATCH="true") as alone:
        await asyncio.to_thread(alone.wait_until_ready, START_S)
        served = await callers(place, 8, apart_s=1.0)
        await check(place, served, record_property)
        assert "dispatched again" in alone.log


@pytest.mark.timeout(600)
async def test_of_20_callers_on_two_workers_none_is_left_in_silence(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    with contextlib.ExitStack() as stack:
        sent = stack.enter_context(watcher(place))
        for name in ("one", "two"):
            await started(stack, place, name, VERBATIM_FLEET__MAX_SESSIONS="4", **own_disk(place, name))
        served = await callers(place, 20, apart_s=0.5)
        await check(place, served, record_property)
        assert {action["cause"] for action in sent()} == {"no_room"}


@pytest.mark.timeout(300)
async def test_who_talked_with_a_worker_that_was_killed_hears_an_agent_of_another_one(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    room = new_room("killed")
    with contextlib.ExitStack() as stack:
        first = await started(stack, place, "first", **own_disk(place, "first"))
        sent = stack.enter_context(watcher(place))
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(room))
            await caller.wait_for_agent()
            await caller.listen()
            await started(stack, place, "second", **own_disk(place, "second"))
            heard, killed = len(caller.captions), time.monotonic()
            first.signal(signal.SIGKILL)

            async def back() -> float | None:
                return time.monotonic() - killed if len(caller.captions) > heard else None

            record_property("heard_again_after_s", round(await until(back, BACK_WITHIN_S, "no agent came back"), 1))
            await caller.listen()
            assert list(caller.room.remote_participants) == ["agent-verbatim-1"]
            (action,) = sent()
            assert (action["cause"], action["part"], action["room"]) == ("agent_lost", 1, room)
            assert str(action["resume_of"]).startswith("AJ_")


@pytest.mark.timeout(300)
async def test_where_the_agent_said_goodbye_none_is_sent_again_though_the_caller_stays(place: Surroundings) -> None:
    room, caller, gone = new_room("goodbye"), rtc.Room(), asyncio.Event()
    (place.directory / "parting").mkdir()
    shutil.copy(Path(__file__).with_name("desk_agent.py"), place.directory / "parting")
    own = {"VERBATIM_AGENT__CLASS": "desk_agent:Desk", "VERBATIM_AGENT__HANG_UP": "false"}
    with worker(place, "parting", **own) as parting:
        await asyncio.to_thread(parting.wait_until_ready, START_S)
        caller.on("participant_disconnected", lambda _: gone.set())
        joined = asyncio.Event()
        caller.on("track_subscribed", lambda *_: joined.set())
        await caller.connect(place.livekit.url, place.invite(room))
        async with asyncio.timeout(PATIENCE_S):
            await joined.wait()
            await caller.local_participant.send_text(BYE, topic=patient_caller.TOPIC)
            await gone.wait()
        async with place.api() as server:
            promised = [each.agent_name for each in await server.agent_dispatch.list_dispatch(room)]
            listed = await server.room.list_rooms(api.ListRoomsRequest(names=[room]))
        found = await Watcher(settings_of(place)).look()
        await caller.disconnect()
        stored = await place.stored(room)
    assert stored.transcript.ended.reason == "goodbye"
    assert len(listed.rooms) == 1 and promised == []
    assert (found.rooms, found.actions, found.waiting) == (1, [], [])


def settings_of(place: Surroundings) -> Settings:
    livekit = place.livekit
    return Settings.model_validate(
        {"livekit": {"url": livekit.url, "api_key": livekit.api_key, "api_secret": livekit.api_secret}}
    )
