"""Sessions break in every way that there is: every word is heard once, at its time, or the transcript has a gap."""

import asyncio
import dataclasses

import pytest
from livekit.agents import NOT_GIVEN, APIConnectionError, APIStatusError, stt

from tests.speech.conftest import QUICK, MakeStt
from tests.speech.listening import Kind, failure_of, heard, listening, voice
from tests.speech.marked_recogniser import Caller, Clock, Hearing, Strike, clock, until_heard, word_times, words_of
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_server import TERMINATION, Connection, ScriptedServer, Step, final
from worker.speech.assemblyai import RecordingSTT
from worker.speech.deafness import REASON
from worker.transcript.events import Gap, SttClosed, SttOpened, UserFinal, UserRevised

__all__ = ["clock"]

TOLERANCE_MS = 60
"""One message of audio, and rounding."""


def cut(connection: Connection) -> asyncio.Future[None]:
    connection.drop()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def closing(code: int, reason: str = "", *, error: bool = False) -> Strike:
    async def strike(connection: Connection) -> None:
        if error:
            await connection.send({"type": "Error", "error_code": code, "error": reason})
        await connection.close(code, reason)

    return strike


def errors_of(owner: RecordingSTT) -> list[stt.STTError]:
    seen: list[stt.STTError] = []
    owner.on("error", seen.append)
    return seen


PASSING: list[Step] = [(429, "0"), 503, "hang"]
STRIKES = {
    "cut": cut,
    "1011": closing(1011),
    "3007": closing(3007),
    "1008 too many": closing(1008, "Unauthorized connection: Too many concurrent sessions", error=True),
    "3008 with an error": closing(3008, "Session expired", error=True),
}
"""One of each kind; every status and code is struck with in `test_standin_faults.py`."""


@pytest.mark.parametrize("strike", STRIKES.values(), ids=STRIKES)
@pytest.mark.parametrize("words_before", [3, 5], ids=["in mid-turn", "at a turn's end"])
async def test_a_session_that_ends_unasked_costs_no_word_and_doubles_none(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, strike: Strike, words_before: int
) -> None:
    first, second = Hearing("first", words_before, strike), Hearing("second")
    async with ScriptedServer(first, second).running() as server, listening(make_stt(server.url)) as stream:
        caller = Caller(stream, clock)
        await caller.say(range(1, 6))
        await (await server.connection(2)).until(lambda it: bool(it.chunks))
        await caller.say(range(6, 9))
        await until_heard(recorder, 8)
    assert words_of(recorder) == list(range(1, 9))
    assert recorder.of(Gap) == []
    assert [each.stream for each in recorder.of(SttOpened)] == ["first", "first"]
    assert [each.session for each in recorder.of(SttOpened)] == ["first", "second"]
    for word, at in word_times(recorder).items():
        assert at == pytest.approx(1000 * caller.said_at[word], abs=TOLERANCE_MS)


@pytest.mark.parametrize("strike", STRIKES.values(), ids=STRIKES)
async def test_a_session_that_ends_while_nobody_speaks_is_followed_by_another(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, strike: Strike
) -> None:
    async def ends(connection: Connection) -> None:
        await connection.begin("first")
        await connection.until(lambda it: len(it.chunks) > 3)
        await strike(connection)

    async with ScriptedServer(ends, Hearing("second")).running() as server, listening(make_stt(server.url)) as stream:
        caller = Caller(stream, clock)
        await caller.pause(500)
        await server.connection(2)
        await caller.say([1, 2, 3])
        await until_heard(recorder, 3)
    assert words_of(recorder) == [1, 2, 3]
    assert recorder.of(Gap) == []


@pytest.mark.parametrize("step", PASSING, ids=str)
async def test_a_connection_that_is_refused_for_now_is_made_again_and_hears_what_was_said_meanwhile(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, step: Step
) -> None:
    async with ScriptedServer(step, step, Hearing("third")).running() as server:
        owner = make_stt(server.url)
        seen = errors_of(owner)
        async with listening(owner) as stream:
            caller = Caller(stream, clock)
            await caller.say(range(1, 6))
            await until_heard(recorder, 5)
    assert words_of(recorder) == [1, 2, 3, 4, 5]
    assert recorder.of(Gap) == []
    assert [each.recoverable for each in seen] == [True, True]
    assert all(each.error.retryable for each in seen if isinstance(each.error, APIStatusError | APIConnectionError))


async def test_twenty_drops_in_one_call_cost_no_word(make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock) -> None:
    drops = [Hearing(f"session-{number}", 1 + number % 4, cut) for number in range(20)]
    steps = [*drops, Hearing("last")]
    async with ScriptedServer(*steps).running() as server, listening(make_stt(server.url)) as stream:
        caller = Caller(stream, clock)
        for first in range(1, 101, 5):
            await caller.say(range(first, first + 5))
            await until_heard(recorder, first + 4)
    assert words_of(recorder) == list(range(1, 101))
    assert recorder.of(Gap) == []
    for word, at in word_times(recorder).items():
        assert at == pytest.approx(1000 * caller.said_at[word], abs=TOLERANCE_MS)


# --- what cannot be recovered


@pytest.mark.parametrize("step", [400, 401, 403, 410, 1008])
async def test_what_would_be_refused_again_is_given_up_at_once_and_for_the_whole_call(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, step: int
) -> None:
    script = Hearing("first", 1, closing(1008, "Unauthorized connection: bad key", error=True))
    async with ScriptedServer(script if step == 1008 else step).running() as server:
        owner = make_stt(server.url)
        seen = errors_of(owner)
        async with listening(owner) as stream:
            await Caller(stream, clock).say([1, 2])
            error = await failure_of(stream)
        async with listening(owner) as again:
            again.push_frame(voice(100))
            again.end_input()
            async with asyncio.timeout(PATIENCE_S):
                assert [event async for event in again] == []
        owner.call_is_over()
        assert server.attempts == 1
    assert isinstance(error, APIStatusError)
    assert error.status_code == step
    assert not error.retryable
    assert [each.recoverable for each in seen] == [False]
    assert owner.given_up is not None
    assert getattr(seen[0].error, "code", "") == owner.given_up.code
    (gap,) = recorder.of(Gap)
    assert gap.to_ms is None
    assert gap.from_ms <= 1000 * clock.now


async def test_nobody_waits_longer_for_the_provider_than_a_caller_would(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    async with ScriptedServer((429, "60")).running() as server, listening(make_stt(server.url)) as stream:
        error = await failure_of(stream)
        assert server.attempts == 1
    assert getattr(error, "code", None) == "assemblyai.http_429"


async def test_an_outage_that_does_not_end_is_given_up(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    async with ScriptedServer(503).running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, give_up_seconds=0.2))
        seen = errors_of(owner)
        async with listening(owner) as stream:
            await failure_of(stream)
    assert server.attempts > 2
    assert [each.recoverable for each in seen] == [True] * (server.attempts - 1) + [False]


async def test_what_is_said_beyond_the_audio_that_is_kept_is_a_gap_and_the_rest_is_heard(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    open_again = asyncio.Event()

    async def waits(connection: Connection) -> None:
        await open_again.wait()

    first, last = Hearing("first", 5, cut), Hearing("last")
    async with ScriptedServer(first, waits, last).running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, replay_seconds=1.0, connect_seconds=5.0))
        async with listening(owner) as stream:
            caller = Caller(stream, clock)
            await caller.say(range(1, 6), pause_ms=0)
            await server.connection(2)
            await caller.say(range(6, 31), pause_ms=0)
            (await server.connection(2)).drop()
            open_again.set()
            await (await server.connection(3)).until(lambda it: bool(it.chunks))
            await caller.pause(400)
            await until_heard(recorder, 30)
    heard = words_of(recorder)
    assert heard == [1, 2, 3, 4, 5, *range(heard[5], 31)]
    assert 20 <= heard[5] <= 22
    opened, closed = recorder.of(Gap)
    assert opened.to_ms is None
    assert opened.from_ms == closed.from_ms == pytest.approx(1000 * caller.said_at[6], abs=TOLERANCE_MS)
    assert closed.to_ms == pytest.approx(1000 * caller.said_at[heard[5]], abs=2 * TOLERANCE_MS)


async def test_what_is_said_in_an_outage_at_the_end_of_a_call_is_a_gap(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async with ScriptedServer("hang").running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, termination_seconds=0.05))
        async with listening(owner) as stream:
            caller = Caller(stream, clock)
            await caller.say([1, 2, 3])
            await stream.aclose()
            owner.call_is_over()
            assert [each.to_ms for each in recorder.of(Gap)] == [None]
    assert {each.from_ms for each in recorder.of(Gap)} == {round(1000 * caller.said_at[1])}
    assert recorder.of(Gap)[-1].to_ms == pytest.approx(1000 * caller.said_at[3] + 100, abs=TOLERANCE_MS)


@pytest.mark.parametrize("breaks_off", [False, True])
async def test_a_server_that_is_slow_to_say_goodbye_leaves_no_gap_and_one_that_breaks_off_does(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock, breaks_off: bool
) -> None:
    async def leaves(connection: Connection) -> None:
        await connection.begin("first")
        await connection.until_terminate()
        if breaks_off:
            connection.drop()

    async with ScriptedServer(leaves, "hang").running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, termination_seconds=0.2))
        async with listening(owner) as stream:
            await recorder.until(SttOpened)
            await Caller(stream, clock).say([1])
    assert [each.reason for each in recorder.of(Gap)][:1] == [REASON] * breaks_off


async def test_an_outage_in_which_nobody_speaks_is_no_gap(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async with ScriptedServer("hang", Hearing("second")).running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, replay_seconds=1.0, connect_seconds=0.1))
        async with listening(owner) as stream:
            caller = Caller(stream, clock)
            await caller.pause(3000)
            await server.connection(1)
            await caller.say([1])
            await until_heard(recorder, 1)
    assert recorder.of(Gap) == []


# --- what has to be done differently


async def test_an_update_that_is_refused_is_left_out_of_the_next_session(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async def refuses(connection: Connection) -> None:
        await connection.begin("first")
        await connection.until(lambda it: bool(it.messages))
        await closing(3006, "Invalid message: max_turn_silence", error=True)(connection)

    async with ScriptedServer(refuses, Hearing("second")).running() as server:
        owner = make_stt(server.url)
        async with listening(owner) as stream:
            await server.connection()
            owner.update_options(max_turn_silence=99)
            caller = Caller(stream, clock)
            await caller.say([1, 2])
            await until_heard(recorder, 2)
    assert server.connections[1].query["max_turn_silence"] == "1280"


@pytest.mark.parametrize("code", [3006, 1009])
async def test_a_refusal_of_the_options_that_the_call_began_with_is_final(make_stt: MakeStt, code: int) -> None:
    async def refuses(connection: Connection) -> None:
        await connection.begin("first")
        await closing(code)(connection)

    async with ScriptedServer(refuses).running() as server, listening(make_stt(server.url)) as stream:
        error = await failure_of(stream)
        assert server.attempts == 1
    assert getattr(error, "code", None) == f"assemblyai.close_{code}"


async def test_audio_that_is_too_fast_twice_in_a_row_is_given_up(make_stt: MakeStt) -> None:
    async def refuses(connection: Connection) -> None:
        await connection.begin("first")
        await closing(3007)(connection)

    async with ScriptedServer(refuses).running() as server, listening(make_stt(server.url)) as stream:
        stream.push_frame(voice(100))
        await failure_of(stream)
        assert server.attempts == 2


# --- a server that is silent


async def test_a_server_that_says_nothing_while_the_caller_speaks_is_left_and_the_next_hears_it_all(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async def stalls(connection: Connection) -> None:
        await connection.begin("first")
        await connection.until(lambda _: False, forever=True)

    async with ScriptedServer(stalls, Hearing("second")).running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, silent_seconds=2.0))
        async with listening(owner) as stream:
            caller = Caller(stream, clock)
            owner.caller_speaks = True
            await caller.say(range(1, 31), pause_ms=0)
            await server.connection(2)
            owner.caller_speaks = False
            await caller.pause(400)
            await until_heard(recorder, 30)
        await server.connections[0].until_terminate()
    assert words_of(recorder) == list(range(1, 31))
    assert recorder.of(Gap) == []


async def test_a_server_that_sends_no_words_before_a_pause_may_be_silent_for_longer(
    make_stt: MakeStt, clock: Clock
) -> None:
    async def listens(connection: Connection) -> None:
        await connection.begin("only")
        await connection.until(lambda it: len(it.chunks) >= 40)
        await connection.send(final("A long sentence."))
        await connection.end()

    options = {"model": "universal-3-5-pro", "format_turns": NOT_GIVEN, "continuous_partials": False}
    async with ScriptedServer(listens).running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, silent_seconds=1.0), **options)
        async with listening(owner) as stream:
            owner.caller_speaks = True
            await Caller(stream, clock).say(range(1, 21), pause_ms=0)
            await heard(stream, Kind.FINAL_TRANSCRIPT)
        assert server.attempts == 1


async def test_a_server_may_be_silent_while_nobody_speaks(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async with ScriptedServer(Hearing("only")).running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, silent_seconds=1.0))
        async with listening(owner) as stream:
            caller = Caller(stream, clock)
            await caller.pause(20_000)
            await caller.say([1])
            await until_heard(recorder, 1)
        assert server.attempts == 1


async def test_an_error_without_a_close_ends_the_session_too_and_its_bill(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async def errs(connection: Connection) -> None:
        await connection.begin("first")
        await connection.send({"type": "Error", "error_code": 3005, "error": "Session cancelled"})
        await connection.until_terminate()
        await connection.send(TERMINATION)

    async with ScriptedServer(errs, Hearing("second")).running() as server, listening(make_stt(server.url)) as stream:
        caller = Caller(stream, clock)
        await caller.say([1, 2])
        await until_heard(recorder, 2)
    assert [each.billed_seconds for each in recorder.of(SttClosed)] == [7, 7]


async def test_a_connection_on_which_no_session_begins_is_left_with_a_goodbye(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async def mute(connection: Connection) -> None:
        await connection.until_terminate()

    async with ScriptedServer(mute, Hearing("second")).running() as server, listening(make_stt(server.url)) as stream:
        caller = Caller(stream, clock)
        await caller.say([1, 2])
        await until_heard(recorder, 2)
        await server.connections[0].until_terminate()
    assert words_of(recorder) == [1, 2]
    assert len(recorder.of(SttOpened)) == 1


# --- a session's natural end


async def test_no_session_is_open_before_there_is_audio_and_after_it_has_stopped(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async with ScriptedServer(Hearing("first"), Hearing("second")).running() as server:
        owner = make_stt(server.url, dataclasses.replace(QUICK, idle_seconds=0.1))
        stream = owner.stream()
        await let_others_run()
        assert server.attempts == 0
        caller = Caller(stream, clock)
        await caller.say([1, 2])
        await recorder.until(SttClosed)
        assert recorder.of(SttClosed)[0].billed_seconds == 7
        await let_others_run()
        assert server.attempts == 1
        clock.now += 60
        await caller.say([3, 4])
        await until_heard(recorder, 4)
        await stream.aclose()
        await owner.farewells()
    assert words_of(recorder) == [1, 2, 3, 4]
    assert recorder.of(Gap) == []
    assert word_times(recorder)[3] == pytest.approx(1000 * caller.said_at[3], abs=TOLERANCE_MS)


async def test_a_session_makes_room_for_the_next_in_a_pause_before_it_expires(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    sessions = [Hearing(f"session-{number}", clock=clock, lives_for=0.1) for number in range(100)]
    async with ScriptedServer(*sessions).running() as server, listening(make_stt(server.url)) as stream:
        caller = Caller(stream, clock)
        first = 1
        while len(server.connections) < 5:
            await caller.say(range(first, first + 5))
            await until_heard(recorder, first + 4)
            first += 5
    assert words_of(recorder) == list(range(1, first))
    assert recorder.of(Gap) == []
    assert [each.billed_seconds for each in recorder.of(SttClosed)] == [7] * len(server.connections)


async def test_a_session_that_expires_in_the_middle_of_a_turn_costs_no_word(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    first, second = Hearing("first", clock=clock, lives_for=0.1), Hearing("second")
    async with ScriptedServer(first, second).running() as server:
        owner = make_stt(server.url)
        seen = errors_of(owner)
        async with listening(owner) as stream:
            caller = Caller(stream, clock)
            word = 0
            while len(server.connections) < 2:
                word += 1
                await caller.say([word], pause_ms=0)
                await (await server.connection()).until(lambda it, said=word: len(it.chunks) >= said)
            await caller.pause(400)
            await until_heard(recorder, word)
    assert words_of(recorder) == list(range(1, word + 1))
    assert recorder.of(Gap) == []
    assert seen == []


async def test_second_thoughts_on_who_spoke_are_kept_with_their_turns(
    make_stt: MakeStt, recorder: MemoryRecorder, clock: Clock
) -> None:
    async def revises(connection: Connection) -> None:
        await connection.begin("second")
        await connection.send(final("Four five."), final("Six.", turn_order=1))
        await connection.until_terminate()
        revisions = [{"turn_order": 0, "speaker_label": "B", "words": []}, {"turn_order": 1, "speaker_label": "A"}]
        await connection.send({"type": "SpeakerRevision", "revisions": revisions}, TERMINATION)

    first = Hearing("first", 3, cut)
    async with ScriptedServer(first, revises).running() as server, listening(make_stt(server.url)) as stream:
        caller = Caller(stream, clock)
        await caller.say([1, 2])
        await until_heard(recorder, 2)
        await caller.say([3])
        await recorder.until(UserFinal, 3)
    assert [(each.turn_order, each.text) for each in recorder.of(UserFinal)][-2:] == [(1, "Four five."), (2, "Six.")]
    assert [(each.stream, each.turn_order, each.speaker) for each in recorder.of(UserRevised)] == [
        ("first", 1, "B"),
        ("first", 2, "A"),
    ]
