"""Whatever kills an agent in the middle of a call, another one goes on with it, and knows what was said."""

import asyncio
import contextlib
import json
import shutil
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from standins.caller import Caller
from standins.openai.replies import GREETING
from tests.parts.object_stores import ObjectServer
from tests.rooms.conversation import new_room
from tests.rooms.deployment import started, watcher, worker
from tests.rooms.struck import (
    BACK,
    FACT,
    FACTS,
    PATIENT,
    QUESTION,
    Struck,
    ask,
    job_of,
    kill_job,
    kill_node,
    struck_at_once,
)
from tests.rooms.surroundings import Stored, Surroundings, until
from tests.rooms.worker_process import WorkerProcess
from worker.storage.stores.store import Store

pytestmark = [pytest.mark.needs("livekit-server", "flite"), pytest.mark.timeout(3600)]

COUNTS = pytest.mark.parametrize(
    ("times", "calls"),
    [
        pytest.param(1, 3, marks=[pytest.mark.slow, pytest.mark.timeout(600)], id="three calls at once"),
        pytest.param(20, 1, marks=pytest.mark.soak, id="20 times"),
    ],
)

CAN_START_S = 200.0


async def check(place: Surroundings, call: Struck) -> Stored:
    """One transcript with all that was said, in two parts; nobody was greeted twice; the LLM knew the fact.

    Args:
        place: where the call was.
        call: what became of it.
    """
    assert call.back == BACK
    assert call.remembered
    stored = await place.stored(call.room)
    first, second = stored.transcript.parts
    assert (first.part, second.part, second.resumed_from) == (1, 2, first.job)
    assert (first.ended.reason, second.ended.reason) == ("crashed", "caller_left")
    assert stored.texts("user") == [call.fact, QUESTION]
    assert stored.texts("agent").count(GREETING) == 1 and stored.texts("agent").count(BACK) == 1
    (silence,) = stored.transcript.gaps
    assert silence.reason == "nobody listened between part 1 and part 2"
    assert silence.to_ms == second.started_ms and silence.to_ms > silence.from_ms
    kept = {event["h"] for event in stored.journal}
    assert [line for line in call.accepted if json.loads(line)["h"] not in kept] == []
    return stored


async def each_time(
    place: Surroundings,
    times: int,
    calls: int,
    strike: Callable[[Sequence[Caller]], Awaitable[object]],
    record: Callable[[str, object], None],
    looked_at: Callable[[Surroundings, Struck], Awaitable[object]] = check,
) -> None:
    """Strikes so often so many calls at once, looks at each, and records the silences that their callers heard."""
    silences: list[float] = []
    for _ in range(times):
        for call in await struck_at_once(place, calls, strike):
            await looked_at(place, call)
            silences.append(round(call.silence_s, 2))
    record("silences_s", silences)


@COUNTS
async def test_a_job_that_is_killed_is_followed_by_the_worker_itself(
    place: Surroundings, times: int, calls: int, record_property: Callable[[str, object], None]
) -> None:
    with contextlib.ExitStack() as stack:
        alone = await started(stack, place, "alone", **settings_for(calls))

        async def strike(callers: Sequence[Caller]) -> None:
            await asyncio.gather(*(kill_job(caller, alone.pid) for caller in callers))

        await each_time(place, times, calls, strike, record_property)


@COUNTS
async def test_a_worker_that_is_killed_and_started_again_goes_on_with_its_calls(
    place: Surroundings, times: int, calls: int, record_property: Callable[[str, object], None]
) -> None:
    with contextlib.ExitStack() as stack:
        runs = [await started(stack, place, "again", **settings_for(calls))]

        async def strike(_: Sequence[Caller]) -> None:
            runs[-1].signal(signal.SIGKILL)
            runs.append(await started(stack, place, "again", wait=False, **settings_for(calls)))

        await each_time(place, times, calls, strike, record_property)


@COUNTS
async def test_a_node_that_is_lost_is_followed_by_another_that_can_read_its_journals(
    place: Surroundings, times: int, calls: int, record_property: Callable[[str, object], None]
) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(watcher(place))
        nodes = [await started(stack, place, "node-0", **settings_for(calls))]

        async def strike(_: Sequence[Caller]) -> None:
            nodes.append(await started(stack, place, f"node-{len(nodes)}", **settings_for(calls)))
            await asyncio.to_thread(kill_node, nodes[-2].pid)

        await each_time(place, times, calls, strike, record_property)


@pytest.mark.needs("versitygw")
@COUNTS
async def test_a_node_whose_disk_is_lost_too_is_followed_by_one_that_has_what_it_had_sent(
    place: Surroundings,
    s3: ObjectServer,
    times: int,
    calls: int,
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    bucket = s3.new_bucket()
    store = s3.store(bucket)
    with contextlib.ExitStack() as stack:
        stack.enter_context(watcher(place))
        nodes: list[WorkerProcess] = []

        async def another() -> None:
            name = f"node-{len(nodes)}"
            own = {
                "VERBATIM_STORAGE__URL": f"s3://{bucket}",
                "VERBATIM_STORAGE__ENDPOINT": s3.endpoint,
                "VERBATIM_STORAGE__JOURNAL_DIR": str(place.directory / name / "journals"),
                **s3.environment,
            }
            nodes.append(await started(stack, place, name, **settings_for(calls), **own))

        async def strike(callers: Sequence[Caller]) -> None:
            await another()
            for caller, fact in zip(callers, FACTS, strict=False):
                sid = await caller.room.sid
                await until(partial(sent, store, sid, fact), CAN_START_S, "the fact has not left the node")
            await asyncio.to_thread(kill_node, nodes[-2].pid)
            shutil.rmtree(place.directory / f"node-{len(nodes) - 2}" / "journals")

        async def looked_at(_: Surroundings, call: Struck) -> None:
            assert call.back == BACK
            assert call.remembered
            assert await until(partial(stored_parts, store, call.room), CAN_START_S, "it was not stored") == [1, 2]

        await another()
        await each_time(place, times, calls, strike, record_property, looked_at)


def settings_for(calls: int) -> dict[str, str]:
    """Settings of a worker that has room and processes for so many calls, on a machine of any size and speed."""
    return PATIENT | {
        "VERBATIM_FLEET__MAX_SESSIONS": str(calls + 2),
        "VERBATIM_FLEET__IDLE_PROCESSES": str(calls),
        "VERBATIM_FLEET__MAX_LOOP_LAG_MS": "60000",
        "VERBATIM_STORAGE__APPEND_DEADLINE_MS": "10000",
    }


async def sent(store: Store, sid: str, text: str) -> bool | None:
    """Whether the segments of a room session hold a text; `None` where they do not."""
    for key in await store.list():
        if sid in key and "/parts/" in key and text.encode() in (await store.get(key) or b""):
            return True
    return None


async def stored_parts(store: Store, room: str) -> list[int] | None:
    """The numbers of a room's stored parts, once the last of them has ended."""
    for key in await store.list():
        if f"/{room}/" in key and key.endswith("/transcript.json"):
            transcript = json.loads(await store.get(key) or b"{}")
            if transcript["ended"]["reason"] == "caller_left":
                return [part["part"] for part in transcript["parts"]]
    return None


REPAIR = "Please repair my lamp."
COLOUR = "The colour is red, note the colour."
VISIT = "Please book a visit on Monday."


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_crash_in_a_tool_after_a_hand_off_books_once_and_brings_the_right_agent_back_with_its_state(
    place: Surroundings,
) -> None:
    own = place.directory / "repairs"
    own.mkdir()
    shutil.copy(Path(__file__).with_name("repair_agent.py"), own)
    room, bookings = new_room("repairs"), own / "bookings.jsonl"
    with worker(place, "repairs", VERBATIM_AGENT__CLASS="repair_agent:Reception", **PATIENT) as repairs:
        await asyncio.to_thread(repairs.wait_until_ready, CAN_START_S)
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(room))
            await ask(caller)
            await ask(caller, REPAIR)
            await ask(caller, COLOUR)
            await caller.send_text(VISIT)

            async def booked() -> bool | None:
                return True if bookings.exists() and bookings.read_text().endswith("\n") else None

            await until(booked, CAN_START_S, "nothing was booked")
            asked = len(place.openai.log()["chat"])
            (await job_of(caller, repairs.pid)).send_signal(signal.SIGKILL)
            await until(lambda: answered(caller, "unknown"), CAN_START_S, "the tool's outcome was not told")
            again = await ask(caller, VISIT)
            chat = place.openai.log()["chat"][asked:]
        stored = await place.stored(room)
    assert len(bookings.read_text().splitlines()) == 1
    assert "It is booked." in again
    tools = [message["content"] for message in chat[0]["messages"] if message["role"] == "tool"]
    assert tools[-1].startswith("The outcome of this call is unknown") and "Noted." in tools
    assert "You repair what is broken." in chat[0]["messages"][0]["content"]
    assert [turn.text for turn in stored.transcript.turns if turn.text.startswith("known")] == [f"known: {COLOUR}"]
    assert [event["agent"] for event in stored.events("agent.changed")] == ["repairs"]
    keys = [event["key"] for event in stored.events("tool.called") if event["name"] == "book_visit"]
    assert len(keys) == 2 and len(set(keys)) == 1


async def answered(caller: Caller, word: str) -> bool | None:
    """Whether an agent has ended something that holds a word; `None` where none has."""
    said = [each for each in caller.captions if each.speaker in caller.agents and each.is_final]
    return True if any(word in each.text for each in said) else None


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_caller_who_comes_back_goes_on_and_another_one_in_their_place_does_not(place: Surroundings) -> None:
    room = new_room("rejoin")
    with worker(place, "rejoin", **PATIENT) as rejoin:
        await asyncio.to_thread(rejoin.wait_until_ready, CAN_START_S)
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(room))
            await ask(caller)
            await ask(caller, FACT)
        first = await place.stored(room)
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(room))
            assert await ask(caller) == BACK
            (manifest,) = place.transcripts.glob(f"*/*/*/{room}/*/manifest.json")
            opened = json.loads(manifest.read_text())
            asked = len(place.openai.log()["chat"])
            await ask(caller, QUESTION)
            chat = place.openai.log()["chat"][asked:]
        second = await place.stored(room)
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(room, identity="stranger"))
            assert await ask(caller) == GREETING
            asked = len(place.openai.log()["chat"])
            await ask(caller, QUESTION)
            others = place.openai.log()["chat"][asked:]
        third = await place.stored(room)
    assert FACT in [message["content"] for message in chat[-1]["messages"]]
    assert FACT not in [message["content"] for message in others[-1]["messages"]]
    generations = [first.manifest["generation"], opened["generation"], second.manifest["generation"]]
    assert generations == sorted(set(generations))
    assert (opened["state"], second.manifest["state"], third.manifest["state"]) == ("open", "final", "final")
    assert [part.resumed_from for part in second.transcript.parts] == [None, second.transcript.parts[0].job]
    assert [part.part for part in third.transcript.parts] == [1, 2, 3]
    assert third.texts("user") == [FACT, QUESTION, QUESTION]
