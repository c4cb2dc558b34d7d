"""Every fault of the service's stand-in, at every moment: the call goes on without a word lost, or ends in order."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.parts.standins import Standin
from tests.speech.conftest import QUICK, MakeStt
from tests.speech.listening import failure_of, listening
from tests.speech.marked_recogniser import Caller, Clock, clock
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder
from worker.speech.assemblyai import RecordingSTT
from worker.transcript.events import Gap, SttOpened, UserFinal

__all__ = ["clock"]

pytestmark = pytest.mark.slow

TEXTS = ["What are your opening hours?", "I would like to book a table.", "For two, please.", "Thank you. Goodbye."]
PATIENCE = dataclasses.replace(QUICK, replay_seconds=60.0)

STATUSES = [408, 429, 500, 502, 503, 504]
FINAL_STATUSES = [400, 401, 402, 403, 404, 410]
TOO_MANY = {"fault": "close", "code": 1008, "reason": "Unauthorized connection: Too many concurrent sessions"}
FAULTS: dict[str, dict[str, Any]] = {
    **{str(code): {"fault": "close", "code": code} for code in (1000, 1001, 1006, 1011, 1012, 1013, 3005, 3007, 3008)},
    "1008 too many": TOO_MANY,
    "3006 inactive": {"fault": "close", "code": 3006, "reason": "Inactivity timeout elapsed"},
    "3009": {"fault": "close", "code": 3009, "reason": "Too many concurrent sessions"},
    "3005 without an error": {"fault": "close", "code": 3005, "error_frame": False},
    "an error without a close": {"fault": "error"},
    "abort": {"fault": "abort"},
    "garbage": {"fault": "garbage"},
}
FINAL_FAULTS: dict[str, dict[str, Any]] = {
    "1008": {"fault": "close", "code": 1008, "reason": "Insufficient account balance"},
    "1009": {"fault": "close", "code": 1009},
    "3006": {"fault": "close", "code": 3006, "reason": "Invalid message type"},
}
MOMENTS = ["connect", "mid_turn", "after_turns", "now"]


@pytest.fixture(scope="module")
def assemblyai_arguments(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    return ("--engine", "light")


@pytest.fixture
def standin(assemblyai_standin: Standin) -> Iterator[Standin]:
    assemblyai_standin.call("POST", "/control/script", {"texts": TEXTS, "scope": "all"})
    yield assemblyai_standin
    assemblyai_standin.call("DELETE", "/control/script")
    assemblyai_standin.clear_faults()


@dataclasses.dataclass
class Conversation:
    """A call to the stand-in."""

    caller: Caller
    owner: RecordingSTT
    recorder: MemoryRecorder

    async def say(self, count: int) -> None:
        """Say so much that there are `count` texts altogether, and wait until they are final."""
        for text in TEXTS[len(self.texts) : count]:
            self.owner.caller_speaks = True
            await self.caller.say(range(2 * len(text.split())), pause_ms=0)
            self.owner.caller_speaks = False
            await self.caller.pause(1500)
        await self.until(count)

    async def until(self, count: int) -> None:
        """Wait until so many texts are final."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.texts) < count:
                await self.recorder.until(UserFinal, len(self.recorder.of(UserFinal)) + 1)

    @property
    def texts(self) -> list[str]:
        """What was heard, of each turn the formatted final."""
        finals = {(each.stream, each.turn_order): each.text for each in self.recorder.of(UserFinal) if each.formatted}
        return list(finals.values())


@asynccontextmanager
async def call(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin, patience: Any = PATIENCE
) -> AsyncIterator[Conversation]:
    owner = make_stt(standin.websocket_url, patience)
    async with listening(owner) as stream:
        yield Conversation(Caller(stream, clock), owner, recorder)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_session_that_breaks_costs_nothing(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin, fault: dict[str, Any], moment: str
) -> None:
    if moment != "now":
        standin.set_fault(**fault, when=moment, count=1)
    async with call(make_stt, recorder, clock, standin) as conversation:
        await conversation.say(2)
        if moment == "now":
            await asyncio.to_thread(standin.set_fault, **fault)
        await conversation.say(4)
    assert conversation.texts == TEXTS
    assert recorder.of(Gap) == []


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", FINAL_FAULTS.values(), ids=FINAL_FAULTS)
async def test_a_session_that_is_refused_for_good_ends_the_hearing_in_order(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin, fault: dict[str, Any], moment: str
) -> None:
    if moment != "now":
        standin.set_fault(**fault, when=moment)
    async with call(make_stt, recorder, clock, standin) as conversation:
        if moment == "now":
            await conversation.say(1)
            await asyncio.to_thread(standin.set_fault, **fault)
        else:
            await conversation.caller.say(range(6), pause_ms=1500)
        error = await failure_of(conversation.caller.stream)
        conversation.owner.call_is_over()
    assert getattr(error, "code", None) == f"assemblyai.close_{fault['code']}"
    assert len(recorder.of(SttOpened)) == 1 - (moment == "connect")
    assert [each.to_ms for each in recorder.of(Gap)] == [None]
    assert conversation.texts == TEXTS[: len(conversation.texts)]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("retry_after", [None, 0])
async def test_a_status_that_passes_costs_nothing(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin, status: int, retry_after: int | None
) -> None:
    standin.set_fault("http", status=status, retry_after=retry_after, count=3)
    async with call(make_stt, recorder, clock, standin) as conversation:
        await conversation.say(2)
        await asyncio.to_thread(standin.set_fault, "http", status=status, retry_after=retry_after, count=3)
        await asyncio.to_thread(standin.set_fault, "abort")
        await conversation.say(4)
    assert conversation.texts == TEXTS
    assert recorder.of(Gap) == []


@pytest.mark.parametrize("status", FINAL_STATUSES)
@pytest.mark.parametrize("in_the_call", [False, True])
async def test_a_status_that_does_not_pass_is_asked_for_once(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin, status: int, in_the_call: bool
) -> None:
    before = len(standin.log()["refused"])
    async with call(make_stt, recorder, clock, standin) as conversation:
        if in_the_call:
            await conversation.say(1)
        await asyncio.to_thread(standin.set_fault, "http", status=status)
        await asyncio.to_thread(standin.set_fault, "abort")
        await conversation.caller.pause(200)
        error = await failure_of(conversation.caller.stream)
    if in_the_call:
        assert conversation.texts == TEXTS[:1]
    assert getattr(error, "code", None) == f"assemblyai.http_{status}"
    assert standin.log()["refused"][before:] == [status]
    assert [each.to_ms for each in recorder.of(Gap)] == [None]


@pytest.mark.parametrize(
    "fault", [{"fault": "hang"}, {"fault": "hang", "stage": "begin"}, {"fault": "refuse", "seconds": 0.3}], ids=str
)
async def test_a_server_that_cannot_be_reached_for_a_while_costs_nothing(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin, fault: dict[str, Any]
) -> None:
    standin.set_fault(**fault, **({} if fault["fault"] == "refuse" else {"count": 1}))
    async with call(make_stt, recorder, clock, standin) as conversation:
        await conversation.say(4)
    assert conversation.texts == TEXTS
    assert recorder.of(Gap) == []


async def test_a_server_that_stalls_in_mid_turn_costs_nothing(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin
) -> None:
    for _ in range(2):  # the stalled session keeps the words that it was given
        standin.call("POST", "/control/script", {"texts": TEXTS, "scope": "next"})
    standin.set_fault("stall", when="mid_turn", count=1)
    patience = dataclasses.replace(PATIENCE, silent_seconds=3.0)
    async with call(make_stt, recorder, clock, standin, patience) as conversation:
        await conversation.caller.say(range(10), pause_ms=8000)
        await conversation.until(1)
        await conversation.say(4)
    assert conversation.texts == TEXTS
    assert recorder.of(Gap) == []


async def test_twenty_drops_in_one_call_cost_nothing(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin
) -> None:
    many = [f"This is sentence number {number}." for number in range(20)]
    standin.call("POST", "/control/script", {"texts": many, "scope": "all"})
    standin.set_fault("abort", when="mid_turn", count=20)
    async with call(make_stt, recorder, clock, standin) as conversation:
        for number in range(20):
            await conversation.caller.say(range(10), pause_ms=1500)
            await conversation.until(number + 1)
    assert conversation.texts == many
    assert len(recorder.of(SttOpened)) == 21
    assert recorder.of(Gap) == []


async def test_audio_that_waited_reaches_the_service_no_faster_than_it_allows(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, standin: Standin
) -> None:
    patience = dataclasses.replace(PATIENCE, catch_up_speed=2.0)
    async with call(make_stt, recorder, clock, standin, patience) as conversation:
        await conversation.caller.say(range(40), pause_ms=1500)
        await conversation.until(1)
    session = standin.log()["sessions"][-1]
    elapsed_ms = 1000 * (session["closed_at"] - session["opened_at"])
    assert session["audio_ms"] >= 4000
    assert session["lead_ms"] <= 1050 + elapsed_ms
