"""A worker that is stopped in the middle of calls: another one goes on with them, and the callers lose no word."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from standins.caller import Answer, Caller
from tests.parts.livekit_server import running
from tests.parts.standins import standin
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Stored, Surroundings
from tests.rooms.worker_process import WorkerProcess, working

pytestmark = [pytest.mark.slow, pytest.mark.needs("livekit-server", "flite")]

SENTENCES = [
    "I have a question.",
    "I would like to know more.",
    "My order has not come.",
    "When are you open?",
    "What can you do?",
    "Where is my parcel?",
    "Can you help me today?",
    "I forgot my password.",
]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Surroundings]:
    """A livekit-server of its own, so that no other test's worker takes these calls over."""
    with (
        running(tmp_path, departure_timeout_s=20) as livekit,
        standin("assemblyai", ["--engine", "light"], tmp_path / "assemblyai.log") as assemblyai,
        standin("openai", [], tmp_path / "openai.log") as openai,
    ):
        assemblyai.call("POST", "/control/script", {"texts": SENTENCES, "scope": "all"})
        yield Surroundings(livekit, assemblyai, openai, tmp_path)


@contextlib.contextmanager
def worker(place: Surroundings, name: str, **settings: str) -> Iterator[WorkerProcess]:
    """A worker for `verbatim`; its journals are where those of the others on this machine are."""
    with working(place, name, {"VERBATIM_AGENT__NAME": "verbatim"} | settings, wait=False) as started:
        yield started


async def talk(caller: Caller, sentences: list[str], handed_over: Callable[[], bool]) -> list[Answer]:
    """Says the sentences one after another, each when the last one was answered; returns the answers."""
    answers = []
    for sentence in sentences:
        await caller.speak(sentence)
        answers.append(await caller.listen())
    return answers


def overlaps(caller: Caller) -> list[tuple[str, str]]:
    """The agents that were heard at the same time, in pairs."""
    heard = {name: ear.speech_since(0.0, pause_s=0.2) for name, ear in caller._ears.items()}
    return [
        (one, other)
        for one, other in itertools.combinations(heard, 2)
        for mine in heard[one]
        for theirs in heard[other]
        if mine.started_at < theirs.ended_at and theirs.started_at < mine.ended_at
    ]


@pytest.mark.timeout(300)
async def test_a_call_goes_on_at_the_next_worker_when_its_own_is_stopped(
    place: Surroundings, record_property: Callable[[str, object], None]
) -> None:
    room = new_room("deploy")
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(worker(place, "first", VERBATIM_FLEET__DRAIN_TIMEOUT="3"))
        await asyncio.to_thread(first.wait_until_ready)
        async with Caller() as caller:
            await caller.join(place.livekit.url, place.invite(room))
            await caller.wait_for_agent()
            await caller.listen()
            answers = await talk(caller, SENTENCES[:1], lambda: False)
            second = stack.enter_context(worker(place, "second"))
            await asyncio.to_thread(second.wait_until_ready)
            first.signal(signal.SIGTERM)
            answers += await talk(caller, SENTENCES[1:], lambda: False)
            assert first.wait(60) == 0
            assert caller.agents == ["agent-verbatim-1", "agent-verbatim-2"]
            assert overlaps(caller) == []
        stored = await place.stored(room)
    check(stored)
    record_property("answer_ms", [round(each.answer_ms) for each in answers])


def check(stored: Stored) -> None:
    """All that was said is in one transcript of two parts, in order and once."""
    assert stored.texts("user") == SENTENCES
    assert [part.ended.reason for part in stored.transcript.parts] == ["handover", "caller_left"]
    assert stored.transcript.complete
