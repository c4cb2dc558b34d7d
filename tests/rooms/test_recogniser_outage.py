"""The recogniser fails; the call goes on, and what was said meanwhile is heard when it is back."""

import asyncio

import pytest

from tests.rooms.conversation import PLACED_WITHIN_MS, Call, Line, hold
from tests.rooms.surroundings import Surroundings, until
from tests.rooms.words import words
from tests.rooms.worker_process import WorkerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

REFUSED_FOR_S = 3.0
LONG = "Is there a discount for students?"
PASSWORD = "I forgot my password."


async def _refused(surroundings: Surroundings) -> Call:
    stt = surroundings.assemblyai
    sessions = len(stt.log()["sessions"])

    async def connected() -> bool | None:
        return True if len(stt.log()["sessions"]) > sessions else None

    async def talk(line: Line) -> None:
        await until(connected, 20, "the worker did not connect again")
        await line.ask(PASSWORD)

    stt.set_fault("refuse", seconds=REFUSED_FOR_S)
    return await hold(surroundings, talk, agent="desk", what="refused")


async def _dropped(surroundings: Surroundings) -> Call:
    async def talk(line: Line) -> None:
        line.spoken.append(await line.caller.speak(LONG))
        await line.listen()
        await line.ask(PASSWORD)

    surroundings.assemblyai.set_fault("abort", when="mid_turn", count=1)
    return await hold(surroundings, talk, agent="desk", what="dropped")


@pytest.fixture(scope="module")
def refused(surroundings: Surroundings, desk: WorkerProcess) -> Call:
    return asyncio.run(_refused(surroundings))


@pytest.fixture(scope="module")
def dropped(surroundings: Surroundings, desk: WorkerProcess) -> Call:
    return asyncio.run(_dropped(surroundings))


def test_a_call_goes_on_when_the_recogniser_refuses_for_some_seconds(refused: Call) -> None:
    assert [words(text) for text in refused.stored.texts("user")] == [words(PASSWORD)]
    assert refused.stored.texts("agent") == [refused.answers[0].caption]
    assert refused.stored.transcript.ended.reason == "caller_left"


def test_an_outage_shorter_than_the_audio_that_is_kept_leaves_errors_and_no_gap(refused: Call) -> None:
    transcript = refused.stored.transcript
    assert transcript.complete
    assert transcript.errors
    assert {(error.source, error.code, error.fatal) for error in transcript.errors} == {("stt", "stt.refused", False)}


def test_a_sentence_in_which_the_connection_broke_is_heard_whole_and_once(dropped: Call) -> None:
    first, second = dropped.stt
    assert first["close_code"] == 1006
    assert first["finals"] == []
    users = [turn for turn in dropped.stored.transcript.turns if turn.role == "user"]
    assert [turn.unfinished for turn in users] == [False] * len(users)
    assert [turn.text for turn in users] == [final["text"] for final in second["finals"]]
    assert words(" ".join(turn.text for turn in users)) == [*words(LONG), *words(PASSWORD)]


def test_a_connection_that_broke_leaves_no_gap(dropped: Call) -> None:
    assert dropped.stored.transcript.complete


def test_a_sentence_that_was_heard_again_is_placed_where_it_was_spoken(dropped: Call) -> None:
    turn = next(turn for turn in dropped.stored.transcript.turns if turn.role == "user")
    spoken = dropped.spoken[0]
    assert turn.started_ms == pytest.approx(dropped.transcript_ms(spoken.started_at), abs=PLACED_WITHIN_MS)
    assert turn.ended_ms == pytest.approx(dropped.transcript_ms(spoken.ended_at), abs=PLACED_WITHIN_MS)


def test_words_said_after_an_outage_are_placed_where_they_were_spoken(refused: Call, dropped: Call) -> None:
    for call in (refused, dropped):
        turn = [turn for turn in call.stored.transcript.turns if turn.role == "user"][-1]
        spoken = call.spoken[-1]
        assert turn.started_ms == pytest.approx(call.transcript_ms(spoken.started_at), abs=PLACED_WITHIN_MS)
        assert turn.ended_ms == pytest.approx(call.transcript_ms(spoken.ended_at), abs=PLACED_WITHIN_MS)
