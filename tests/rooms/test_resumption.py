"""Whatever kills an agent in the middle of a call, another one goes on with it, and knows what was said."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from standins.caller import Caller
from tests.parts.livekit_server import running
from tests.parts.standins import standin
from tests.rooms.struck import BACK, FACT, QUESTION, Struck, accepted, kill_job, struck
from tests.rooms.surroundings import Stored, Surroundings
from tests.rooms.worker_process import WorkerProcess, working

pytestmark = [pytest.mark.slow, pytest.mark.needs("livekit-server", "flite"), pytest.mark.timeout(600)]


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
    """A worker for `verbatim`."""
    with working(place, name, {"VERBATIM_AGENT__NAME": "verbatim"} | settings) as started:
        yield started


async def check(place: Surroundings, call: Struck) -> Stored:
    """One transcript with all that was said, in two parts; nobody was greeted twice; the LLM knew the fact."""
    assert call.back == BACK
    assert call.remembered
    stored = await place.stored(call.room)
    first, second = stored.transcript.parts
    assert (first.part, second.part, second.resumed_from) == (1, 2, first.job)
    assert (first.ended.reason, second.ended.reason) == ("crashed", "caller_left")
    assert stored.texts("user") == [FACT, QUESTION]
    assert len(stored.texts("agent")) == 4
    (gap,) = stored.transcript.gaps
    assert gap.reason == "nobody listened between part 1 and part 2"
    assert gap.to_ms == second.started_ms and gap.to_ms - gap.from_ms > 0
    return stored


async def test_a_job_that_is_killed_is_followed_by_the_worker_itself(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    with worker(place, "alone") as alone:
        silences: list[float] = []
        for _ in range(3):
            known: list[int] = []

            async def strike(caller: Caller, known: list[int] = known) -> None:
                known += [event["seq"] for event in accepted(place.journals)]
                await kill_job(caller, alone.pid)

            call = await asyncio.wait_for(struck(place, strike), 180)
            stored = await check(place, call)
            assert stored.transcript.parts[0].events >= len(known)
            silences.append(round(call.silence_s, 2))
        record_property("silences_s", silences)
        print("silences", silences)
