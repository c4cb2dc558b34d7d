"""Whatever kills an agent in the middle of a call, another one goes on with it, and knows what was said."""

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from standins.caller import Caller
from standins.openai.replies import GREETING
from tests.parts.livekit_server import running
from tests.parts.object_stores import ObjectServer
from tests.parts.standins import standin
from tests.rooms.conversation import new_room
from tests.rooms.struck import BACK, FACT, QUESTION, Struck, accepted, ask, job_of, kill_job, kill_node, struck
from tests.rooms.surroundings import Stored, Surroundings, until
from tests.rooms.worker_process import WorkerProcess, launch, working
from worker.storage.stores.store import Store

pytestmark = [pytest.mark.needs("livekit-server", "flite"), pytest.mark.timeout(3600)]

FEW = [pytest.param(3, marks=[pytest.mark.slow, pytest.mark.timeout(600)], id="3")]
ONE = [pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(600)], id="1")]
"""Where each takes half a minute."""

MANY = [pytest.param(20, marks=pytest.mark.soak, id="20")]

OWN = {"VERBATIM_AGENT__NAME": "verbatim", "VERBATIM_AGENT__SILENCE_PROMPT": "0"}
"""On a slow machine a caller who waits is not asked whether they are there."""

CAN_START_S = 200.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Surroundings]:
    """A livekit-server of its own, so that no other test's worker serves these callers."""
    with (
        running(tmp_path, departure_timeout_s=20) as livekit,
        standin("assemblyai", ["--engine", "light"], tmp_path / "assemblyai.log") as assemblyai,
        standin("openai", [], tmp_path / "openai.log") as openai,
    ):
        yield Surroundings(livekit, assemblyai, openai, tmp_path)


@contextlib.contextmanager
def worker(place: Surroundings, name: str, **settings: str) -> Iterator[WorkerProcess]:
    """A worker for `verbatim`, ready."""
    with working(place, name, OWN | settings, wait=False) as started:
        started.wait_until_ready(CAN_START_S)
        yield started


@contextlib.contextmanager
def watcher(place: Surroundings) -> Iterator[None]:
    """`verbatim watch` as a process."""
    with (place.directory / "watch.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", "watch"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=place.environment(0, {}), cwd=place.directory,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


async def check(place: Surroundings, call: Struck, known: list[bytes], *, gap: str = "") -> Stored:
    """One transcript with all that was said, in two parts; nobody was greeted twice; the LLM knew the fact.

    Args:
        place: where the call was.
        call: what became of it.
        known: the lines that had been accepted when it was struck.
        gap: how a gap begins that is there besides the silence.
    """
    assert call.back == BACK
    assert call.remembered
    stored = await place.stored(call.room)
    first, second = stored.transcript.parts
    assert (first.part, second.part, second.resumed_from) == (1, 2, first.job)
    assert (first.ended.reason, second.ended.reason) == ("crashed", "caller_left")
    assert stored.texts("user") == [FACT, QUESTION]
    assert stored.texts("agent").count(GREETING) == 1 and stored.texts("agent").count(BACK) == 1
    silence, *others = [each for each in stored.transcript.gaps if not each.reason.startswith(gap or "not there")]
    assert silence.reason == "nobody listened between part 1 and part 2" and others == []
    assert silence.to_ms == second.started_ms and silence.to_ms > silence.from_ms
    kept = {event["h"] for event in stored.journal}
    assert [line for line in known if json.loads(line)["h"] not in kept] == []
    return stored


async def each_time(
    place: Surroundings,
    count: int,
    strike: Callable[[Caller], Awaitable[object]],
    record: Callable[[str, object], None],
    journals: Path | None = None,
) -> None:
    """Strikes so many calls, one after another, and records the silences that their callers heard."""
    silences: list[float] = []
    for _ in range(count):
        known: list[bytes] = []

        async def struck_down(caller: Caller, known: list[bytes] = known) -> None:
            known += accepted(journals or place.journals)
            await strike(caller)

        call = await struck(place, struck_down)
        await check(place, call, known)
        silences.append(round(call.silence_s, 2))
    record("silences_s", silences)


@pytest.mark.parametrize("count", FEW + MANY)
async def test_a_job_that_is_killed_is_followed_by_the_worker_itself(
    place: Surroundings, count: int, record_property: Callable[[str, object], None]
) -> None:
    with worker(place, "alone") as alone:
        await each_time(place, count, lambda caller: kill_job(caller, alone.pid), record_property)


@pytest.mark.parametrize("count", ONE + MANY)
async def test_a_worker_that_is_killed_and_started_again_goes_on_with_its_calls(
    place: Surroundings, count: int, record_property: Callable[[str, object], None]
) -> None:
    runs = [launch(place, "again", OWN)]

    async def strike(_: Caller) -> None:
        runs[-1].signal(signal.SIGKILL)
        runs.append(launch(place, "again", OWN))

    try:
        await asyncio.to_thread(runs[0].wait_until_ready, CAN_START_S)
        await each_time(place, count, strike, record_property)
    finally:
        for run in runs:
            run.stop()


@pytest.mark.parametrize("count", ONE + MANY)
async def test_a_node_that_is_lost_is_followed_by_another_that_can_read_its_journals(
    place: Surroundings, count: int, record_property: Callable[[str, object], None]
) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(watcher(place))
        workers = [stack.enter_context(worker(place, "node-0"))]

        async def strike(_: Caller) -> None:
            name = f"node-{len(workers)}"
            workers.append(await asyncio.to_thread(stack.enter_context, worker(place, name)))
            await asyncio.to_thread(kill_node, workers[-2].pid)

        await each_time(place, count, strike, record_property)


@pytest.mark.needs("versitygw")
@pytest.mark.parametrize("count", ONE + MANY)
async def test_a_node_whose_disk_is_lost_too_is_followed_by_one_that_has_what_it_had_sent(
    place: Surroundings,
    s3: ObjectServer,
    count: int,
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    bucket = s3.new_bucket()
    store = s3.store(bucket)
    silences: list[float] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(watcher(place))
        workers: list[WorkerProcess] = []

        async def another() -> None:
            name = f"node-{len(workers)}"
            own = {
                "VERBATIM_STORAGE__URL": f"s3://{bucket}",
                "VERBATIM_STORAGE__ENDPOINT": s3.endpoint,
                "VERBATIM_STORAGE__JOURNAL_DIR": str(place.directory / name / "journals"),
                **s3.environment,
            }
            workers.append(await asyncio.to_thread(lambda: stack.enter_context(worker(place, name, **own))))

        async def strike(caller: Caller) -> None:
            await another()
            sid = await caller.room.sid
            await until(lambda: sent(store, sid, FACT), CAN_START_S, "the fact has not left the node")
            await asyncio.to_thread(kill_node, workers[-2].pid)
            shutil.rmtree(place.directory / f"node-{len(workers) - 2}" / "journals")

        await another()
        for _ in range(count):
            call = await struck(place, strike)
            assert call.back == BACK
            assert call.remembered
            silences.append(round(call.silence_s, 2))
            assert await until(partial(stored_parts, store, call.room), CAN_START_S, "it was not stored") == [1, 2]
        record_property("silences_s", silences)


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
    with worker(place, "repairs", VERBATIM_AGENT__CLASS="repair_agent:Reception") as repairs:
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
    with worker(place, "rejoin"):
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
