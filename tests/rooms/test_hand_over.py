"""A worker that is stopped in the middle of calls: another one goes on with them, and nobody loses a word."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable

import pytest

from bench.verdict import percentile
from config.spoken_lines import LINES
from standins.caller import Caller
from tests.rooms.conversation import new_room
from tests.rooms.deployment import SENTENCES, START_S, Survivor, deploy, worker
from tests.rooms.surroundings import Surroundings

pytestmark = [pytest.mark.needs("livekit-server", "flite")]


@pytest.mark.parametrize(
    ("calls", "drain_s"),
    [pytest.param(2, 2.0, marks=pytest.mark.slow), pytest.param(6, 20.0, marks=pytest.mark.soak)],
)
@pytest.mark.timeout(400)
async def test_calls_go_on_at_the_next_worker_when_their_own_is_stopped(
    place: Surroundings, record_property: Callable[[str, object], None], calls: int, drain_s: float
) -> None:
    survivors, status = await deploy(place, calls, drain_s)
    assert status == 0
    await check(place, survivors)
    silences = [each.silence_s for each in survivors]
    record_property("silence_p50_s", round(percentile(silences, 50), 2))
    record_property("silence_p95_s", round(percentile(silences, 95), 2))


async def check(place: Surroundings, survivors: list[Survivor]) -> None:
    """Each call was held by two agents, one after the other, and is one transcript in which nothing is missing."""
    said: list[str] = []
    for each in survivors:
        assert each.agents == ["agent-verbatim-1", "agent-verbatim-2"]
        assert each.overlapping == 0
        stored = await place.stored(each.room)
        transcript = stored.transcript
        assert [part.ended.reason for part in transcript.parts] == ["handover", "caller_left"]
        assert transcript.complete
        assert not transcript.gaps
        assert len(stored.texts("user")) == each.said
        assert stored.texts("user") == sorted(stored.texts("user"), key=SENTENCES.index)
        said += stored.texts("user")
    # Whatever the recogniser gave out is in one of the transcripts, once.
    assert sorted(said, key=SENTENCES.index) == SENTENCES[: sum(each.said for each in survivors)]


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_who_cannot_be_taken_over_is_told_so_and_has_a_transcript(place: Surroundings) -> None:
    room = new_room("alone")
    with worker(place, "alone", VERBATIM_FLEET__DRAIN_TIMEOUT="1", VERBATIM_FLEET__HANDOVER_TIMEOUT="20") as alone:
        await asyncio.to_thread(alone.wait_until_ready, START_S)
        await asyncio.to_thread(alone.wait_until_lines_are_made)
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(room))
            await caller.wait_for_agent()
            await caller.listen()
            alone.signal(signal.SIGTERM)
            assert await caller.wait_until_ended(40.0) == "ROOM_DELETED"
        assert await asyncio.to_thread(alone.wait, 60) == 0
        stored = await place.stored(room)
    assert stored.texts("agent")[-1] == LINES["en"]["stopping"]
    ended = stored.transcript.ended
    assert (ended.reason, ended.detail) == ("error", "the worker was told to stop, and no other took the call over")
    assert stored.transcript.complete


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_two_workers_share_a_port_one_after_the_other_and_both_hold_calls(place: Surroundings) -> None:
    rooms = [new_room("first"), new_room("second")]
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(worker(place, "first"))
        await asyncio.to_thread(first.wait_until_ready, START_S)
        callers = [await greeted(place, rooms[0])]
        second = stack.enter_context(worker(place, "second", VERBATIM_FLEET__HEALTH_PORT=str(first.port)))
        first.signal(signal.SIGTERM)
        second.port = first.port
        await asyncio.to_thread(second.wait_until_ready, START_S)
        callers.append(await greeted(place, rooms[1]))
        for caller in callers:
            await caller.speak(SENTENCES[0])
            await caller.listen()
            await caller.hang_up()
        assert await asyncio.to_thread(first.wait, 60) == 0
        for room in rooms:
            stored = await place.stored(room)
            assert stored.transcript.ended.reason == "caller_left"
            assert len(stored.texts("user")) == 1
    told = [json.loads(line) for line in first.log.splitlines() if "the health port is free" in line]
    assert len(told) == 1


async def greeted(place: Surroundings, room: str) -> Caller:
    """A caller who was greeted."""
    caller = Caller()
    await caller.join(place.livekit.url, place.invite(room))
    await caller.wait_for_agent()
    await caller.listen()
    return caller


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_who_calls_at_the_first_word_that_the_worker_is_ready_is_greeted(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    room = new_room("ready")
    with worker(place, "ready") as ready:
        async with Caller() as caller:
            await asyncio.to_thread(ready.wait_until_ready, START_S)
            await caller.join(place.livekit.url, place.invite(room))
            await caller.wait_for_agent()
            greeting = await caller.listen()
    record_property("greeted_after_s", round(greeting.answer_ms / 1000, 2))
