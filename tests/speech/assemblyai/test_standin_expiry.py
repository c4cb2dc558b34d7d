"""The service's cap on a session's duration, in accelerated time: a call that is longer has more sessions."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from tests.parts.standins import Standin
from tests.speech.conftest import QUICK, MakeStt
from tests.speech.listening import listening, silence, voice
from tests.speech.memory_recorder import MemoryRecorder
from worker.speech.assemblyai import RecordingStream
from worker.transcript.events import Gap, SttClosed, SttOpened, UserFinal

pytestmark = pytest.mark.slow

SESSION_S = 8.0
"""Of which the pauses from 4 to 6 are used: there is one in them whenever the caller begins."""
SESSIONS = 3


@pytest.fixture(scope="module")
def assemblyai_arguments(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    return ("--engine", "light", "--session-seconds", str(SESSION_S))


async def speak(stream: RecordingStream) -> None:
    """Say a sentence as a caller does, and pause: the cap counts real time."""
    for frame in [voice(50)] * 10 + [silence(50)] * 16:
        stream.push_frame(frame)
        await asyncio.sleep(frame.duration)


async def test_a_call_that_is_longer_than_sessions_may_be_loses_nothing_and_pays_for_one_at_a_time(
    make_stt: MakeStt, recorder: MemoryRecorder, assemblyai_standin: Standin
) -> None:
    texts = [f"This is sentence number {number}." for number in range(100)]
    assemblyai_standin.call("POST", "/control/script", {"texts": texts, "scope": "all"})
    said = 0
    async with listening(make_stt(assemblyai_standin.websocket_url, QUICK)) as stream:
        while len(recorder.of(SttOpened)) < SESSIONS:
            await speak(stream)
            said += 1
        await recorder.until(UserFinal, 2 * said)
    assert [each.text for each in recorder.of(UserFinal) if each.formatted] == texts[:said]
    assert recorder.of(Gap) == []
    assert all(each.billed_seconds for each in recorder.of(SttClosed))
    sessions = assemblyai_standin.log()["sessions"]
    assert [(each["terminated"], each["close_code"]) for each in sessions] == [(True, 1000)] * SESSIONS
    for before, after in pairwise(sessions):
        assert after["opened_at"] >= before["closed_at"] - 5.0
