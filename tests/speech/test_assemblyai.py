"""The STT stream against a scripted server: nothing is heard before it is written, and no failure makes it deaf."""

import asyncio
import contextlib
import logging
import time
import traceback
from collections.abc import AsyncIterator

import pytest
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, APITimeoutError, stt

from tests.parts.livekit_server import free_ports
from tests.speech.conftest import KEY, PATIENT, MakeStt
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_server import (
    TERMINATION,
    Connection,
    ScriptedServer,
    Step,
    final,
    turn,
    until_terminated,
)
from worker.speech import assemblyai
from worker.speech.assemblyai import RecordingStream, RecordingSTT
from worker.transcript.events import ErrorRaised, Gap, SttClosed, SttOpened, UserEarly, UserFinal, UserInterim

Kind = stt.SpeechEventType
ONCE = APIConnectOptions(max_retry=0, timeout=5)
HASTY = APIConnectOptions(max_retry=0, timeout=0.1)


def silence(milliseconds: int) -> rtc.AudioFrame:
    samples = 16 * milliseconds
    return rtc.AudioFrame(bytes(2 * samples), 16_000, 1, samples)


@contextlib.asynccontextmanager
async def listening(owner: RecordingSTT, conn_options: APIConnectOptions = PATIENT) -> AsyncIterator[RecordingStream]:
    stream = owner.stream(conn_options=conn_options)
    try:
        yield stream
    finally:
        await stream.aclose()
        await owner.farewells()


async def heard(stream: RecordingStream, kind: stt.SpeechEventType) -> stt.SpeechEvent:
    """The next event of that kind."""
    async with asyncio.timeout(PATIENCE_S):
        async for event in stream:
            if event.type is kind:
                return event
    raise AssertionError(f"the stream ended without {kind}")


async def failure_of(stream: RecordingStream) -> BaseException:
    """What ends the stream."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            async for _ in stream:
                pass
        except Exception as error:
            return error
    raise AssertionError("the stream ended without an error")


def says(*frames: dict[str, object]) -> Step:
    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.send(*frames)
        await connection.end()

    return script


# --- write ahead


async def test_a_final_reaches_the_session_only_when_it_is_accepted(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    async with (
        ScriptedServer(says(final("Two large pizzas."))).running() as server,
        listening(make_stt(server.url)) as stream,
    ):
        recorder.hold()
        waiting = asyncio.create_task(heard(stream, Kind.FINAL_TRANSCRIPT))
        assert (await recorder.until(UserFinal)).text == "Two large pizzas."
        await let_others_run()
        assert not waiting.done()
        recorder.release()
        assert (await waiting).alternatives[0].text == "Two large pizzas."


async def test_an_early_sign_reaches_the_session_only_when_it_is_accepted(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    async with (
        ScriptedServer(says(turn("two large", utterance="two large"))).running() as server,
        listening(make_stt(server.url)) as stream,
    ):
        recorder.hold()
        waiting = asyncio.create_task(heard(stream, Kind.PREFLIGHT_TRANSCRIPT))
        assert (await recorder.until(UserEarly)).text == "two large"
        await let_others_run()
        assert not waiting.done()
        recorder.release()
        assert (await waiting).alternatives[0].text == "two large"


async def test_interims_do_not_wait_for_the_disk(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    async with (
        ScriptedServer(says(turn("two"))).running() as server,
        listening(make_stt(server.url)) as stream,
    ):
        recorder.hold()
        assert (await heard(stream, Kind.INTERIM_TRANSCRIPT)).alternatives[0].text == "two"
        recorder.release()


async def test_of_an_unformatted_and_a_formatted_final_both_are_written_and_one_is_heard(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    unformatted = turn("two large pizzas", end_of_turn=True, turn_is_formatted=False)
    async with (
        ScriptedServer(says(unformatted, final("Two large pizzas."))).running() as server,
        listening(make_stt(server.url)) as stream,
    ):
        event = await heard(stream, Kind.FINAL_TRANSCRIPT)
    assert event.alternatives[0].text == "Two large pizzas."
    assert [(each.text, each.formatted) for each in recorder.of(UserFinal)] == [
        ("two large pizzas", False),
        ("Two large pizzas.", True),
    ]


async def test_words_are_pending_until_their_final(make_stt: MakeStt) -> None:
    release = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.send(turn("two"))
        await release.wait()
        await connection.send(final("Two."))
        await connection.end()

    async with ScriptedServer(script).running() as server:
        owner = make_stt(server.url)
        async with listening(owner) as stream:
            assert not owner.words_pending
            await heard(stream, Kind.INTERIM_TRANSCRIPT)
            assert owner.words_pending
            release.set()
            await heard(stream, Kind.FINAL_TRANSCRIPT)
            assert not owner.words_pending


async def test_word_times_count_from_the_first_audio_that_was_sent(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.until(lambda self: bool(self.chunks))
        await connection.send(final("one two"))
        await connection.end()

    async with ScriptedServer(script).running() as server, listening(make_stt(server.url)) as stream:
        await recorder.until(SttOpened)
        before = time.time()
        stream.push_frame(silence(50))
        await heard(stream, Kind.FINAL_TRANSCRIPT)
        after = time.time()
    (said,) = recorder.of(UserFinal)
    assert said.started_ms is not None and said.ended_ms is not None
    assert recorder.ms_at(before) <= said.started_ms <= recorder.ms_at(after)
    assert said.ended_ms - said.started_ms == 300


# --- what is sent


async def test_audio_goes_in_whole_chunks_of_50_ms_and_the_last_one_is_filled_up(make_stt: MakeStt) -> None:
    async with ScriptedServer(until_terminated).running() as server, listening(make_stt(server.url)) as stream:
        connection = await server.connection()
        for _ in range(7):
            stream.push_frame(silence(10))
        stream.flush()
        stream.push_frame(silence(40))
        stream.end_input()
        await connection.until_terminate()
    assert [len(chunk) for chunk in connection.chunks] == [1600, 1600, 1600]


async def test_settings_go_with_the_connection_and_changes_follow_on_it(make_stt: MakeStt) -> None:
    async with ScriptedServer(until_terminated).running() as server:
        owner = make_stt(server.url)
        async with listening(owner):
            connection = await server.connection()
            owner.update_options(max_turn_silence=2400)
            await connection.until(lambda self: bool(self.messages))
    assert connection.headers["Authorization"] == KEY
    assert KEY not in str(connection.query)
    assert (connection.query["min_turn_silence"], connection.query["max_turn_silence"]) == ("160", "1280")
    assert connection.messages[0] == {"type": "UpdateConfiguration", "max_turn_silence": 2400}


# --- the end of a stream


async def test_closing_sends_terminate_at_once_and_waits_for_the_bill_beside_the_caller(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    answer = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.until_terminate()
        await answer.wait()
        await connection.send(final("Goodbye."), TERMINATION)

    async with ScriptedServer(script).running() as server:
        owner = make_stt(server.url)
        stream = owner.stream(conn_options=PATIENT)
        await recorder.until(SttOpened)
        await stream.aclose()
        await (await server.connection()).until_terminate()
        assert recorder.of(SttClosed) == []
        answer.set()
        await owner.farewells()
    assert [each.text for each in recorder.of(UserFinal)] == ["Goodbye."]
    (closed,) = recorder.of(SttClosed)
    assert (closed.session, closed.billed_seconds, closed.code) == ("session-1", 7, None)
    assert recorder.of(Gap) == []


async def test_a_server_that_never_answers_terminate_is_given_up_on(
    make_stt: MakeStt, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assemblyai, "TERMINATION_SECONDS", 0.05)

    async def script(connection: Connection) -> None:
        await connection.begin()

    async with ScriptedServer(script).running() as server:
        owner = make_stt(server.url)
        stream = owner.stream(conn_options=PATIENT)
        await recorder.until(SttOpened)
        await stream.aclose()
        async with asyncio.timeout(PATIENCE_S):
            await owner.farewells()
        await (await server.connection()).until_terminate()
    (closed,) = recorder.of(SttClosed)
    assert closed.billed_seconds is None


async def test_a_stream_that_never_connected_can_be_closed(make_stt: MakeStt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemblyai, "TERMINATION_SECONDS", 0.05)
    async with ScriptedServer("hang").running() as server:
        owner = make_stt(server.url)
        stream = owner.stream(conn_options=PATIENT)
        await let_others_run()
        await stream.aclose()
        async with asyncio.timeout(PATIENCE_S):
            await owner.farewells()


# --- failures


@pytest.mark.parametrize(
    ("step", "error", "status", "retryable"),
    [
        (401, APIStatusError, 401, False),
        (403, APIStatusError, 403, False),
        (429, APIStatusError, 429, True),
        (503, APIStatusError, 503, True),
        ("hang", APITimeoutError, None, True),
    ],
)
async def test_a_connection_that_fails_is_one_of_the_framework_s_errors(
    make_stt: MakeStt,
    recorder: MemoryRecorder,
    caplog: pytest.LogCaptureFixture,
    step: int | str,
    error: type[Exception],
    status: int | None,
    retryable: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedServer(step).running() as server:
        owner = make_stt(server.url)
        seen: list[stt.STTError] = []
        owner.on("error", seen.append)
        async with listening(owner, HASTY if step == "hang" else ONCE) as stream:
            await failure_of(stream)
        owner.deafness.lasts()
    (reported,) = seen
    assert isinstance(reported.error, error)
    assert getattr(reported.error, "status_code", None) == status
    assert reported.error.retryable is retryable
    assert KEY not in "".join(traceback.format_exception(reported.error)) + caplog.text
    (gap,) = recorder.of(Gap)
    assert gap.to_ms is None


@pytest.mark.parametrize("step", [429, 503])
async def test_the_stream_recovers_and_the_time_without_ears_is_a_gap(
    make_stt: MakeStt, recorder: MemoryRecorder, step: int
) -> None:
    async with ScriptedServer(step, says(final("Here again."))).running() as server:
        owner = make_stt(server.url)
        seen: list[stt.STTError] = []
        owner.on("error", seen.append)
        async with listening(owner) as stream:
            assert (await heard(stream, Kind.FINAL_TRANSCRIPT)).alternatives[0].text == "Here again."
    assert [each.recoverable for each in seen] == [True]
    (gap,) = recorder.of(Gap)
    assert gap.to_ms is not None and gap.to_ms > gap.from_ms


async def test_a_server_that_refuses_and_then_comes_back_is_found_again(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    (port,) = free_ports(1)
    owner = make_stt(f"ws://127.0.0.1:{port}")
    refused: asyncio.Future[stt.STTError] = asyncio.get_running_loop().create_future()
    owner.on("error", lambda error: refused.done() or refused.set_result(error))
    async with contextlib.AsyncExitStack() as stack:
        stream = await stack.enter_async_context(listening(owner))
        async with asyncio.timeout(PATIENCE_S):
            first = await refused
        assert isinstance(first.error, APIConnectionError)
        assert first.recoverable
        await stack.enter_async_context(ScriptedServer(says(final("Here again."))).running(port))
        await heard(stream, Kind.FINAL_TRANSCRIPT)
        await stream.aclose()
        await owner.farewells()
    assert len(recorder.of(Gap)) == 1


async def test_a_server_that_hangs_is_left_for_a_new_connection(make_stt: MakeStt) -> None:
    impatient = APIConnectOptions(max_retry=3, retry_interval=0.05, timeout=0.5)
    async with (
        ScriptedServer("hang", says(final("Here again."))).running() as server,
        listening(make_stt(server.url), impatient) as stream,
    ):
        await heard(stream, Kind.FINAL_TRANSCRIPT)
        assert server.attempts >= 2


async def test_a_connection_on_which_no_session_begins_is_left_for_a_new_one(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    async def mute(connection: Connection) -> None:
        await connection.until(lambda _: False)

    impatient = APIConnectOptions(max_retry=3, retry_interval=0.05, timeout=0.5)
    async with (
        ScriptedServer(mute, says(final("Here again."))).running() as server,
        listening(make_stt(server.url), impatient) as stream,
    ):
        await heard(stream, Kind.FINAL_TRANSCRIPT)
    assert len(recorder.of(SttOpened)) == 1
    assert len(recorder.of(Gap)) == 1


async def test_a_session_may_be_silent_for_longer_than_connecting_may_take(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    speak = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.begin()
        await speak.wait()
        await connection.send(final("Late."))
        await connection.end()

    impatient = APIConnectOptions(max_retry=0, timeout=0.5)
    async with ScriptedServer(script).running() as server, listening(make_stt(server.url), impatient) as stream:
        await recorder.until(SttOpened)
        asyncio.get_running_loop().call_later(0.8, speak.set)
        await heard(stream, Kind.FINAL_TRANSCRIPT)
        assert server.attempts == 1


async def test_an_error_frame_gives_the_error_that_follows_its_sentence(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.send({"type": "Error", "error_code": 3008, "error": "Session expired"})
        await connection.close(3008)

    async with ScriptedServer(script).running() as server, listening(make_stt(server.url), ONCE) as stream:
        error = await failure_of(stream)
    assert isinstance(error, APIStatusError)
    assert error.status_code == 3008
    assert "Session expired" in error.message
    (raised,) = recorder.of(ErrorRaised)
    assert (raised.source, raised.code, raised.message) == ("stt", "3008", "Session expired")
    (closed,) = recorder.of(SttClosed)
    assert (closed.code, closed.reason) == (3008, "Session expired")


@pytest.mark.parametrize("code", [1000, 1008, 1011, 3005, 3007, 4001])
async def test_every_close_that_was_not_asked_for_is_tried_again(make_stt: MakeStt, code: int) -> None:
    async def closes(connection: Connection) -> None:
        await connection.begin("first")
        await connection.close(code)

    async with (
        ScriptedServer(closes, says(final("Here again."))).running() as server,
        listening(make_stt(server.url)) as stream,
    ):
        await heard(stream, Kind.FINAL_TRANSCRIPT)


async def test_a_session_that_drops_in_mid_turn_leaves_its_last_words_and_a_gap(
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    drop = asyncio.Event()

    async def drops(connection: Connection) -> None:
        await connection.begin("first")
        await connection.send(turn("two"), turn("two large"), turn("two large pizzas"))
        await drop.wait()
        connection.drop()

    async def goes_on(connection: Connection) -> None:
        await connection.begin("second")
        await connection.send(final("And a salad."))
        await connection.end()

    async with ScriptedServer(drops, goes_on).running() as server, listening(make_stt(server.url)) as stream:
        for _ in range(3):
            await heard(stream, Kind.INTERIM_TRANSCRIPT)
        drop.set()
        await heard(stream, Kind.FINAL_TRANSCRIPT)
    assert [(each.stream, each.text) for each in recorder.of(UserInterim)] == [
        ("first", "two"),
        ("first", "two large pizzas"),
    ]
    assert [each.stream for each in recorder.of(SttOpened)] == ["first", "second"]
    assert recorder.of(SttClosed)[0].session == "first"
    (gap,) = recorder.of(Gap)
    assert gap.to_ms is not None


async def test_a_failure_during_the_farewell_is_none(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.until_terminate()
        connection.drop()

    async with ScriptedServer(script).running() as server:
        owner = make_stt(server.url)
        seen: list[stt.STTError] = []
        owner.on("error", seen.append)
        stream = owner.stream(conn_options=PATIENT)
        await recorder.until(SttOpened)
        await stream.aclose()
        await owner.farewells()
    assert seen == []
    assert recorder.of(Gap) == []
    assert len(recorder.of(SttClosed)) == 1


# --- a hostile server


async def test_messages_that_cannot_be_read_are_passed_over_without_their_text(
    make_stt: MakeStt, recorder: MemoryRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def script(connection: Connection) -> None:
        await connection.send_text("secret-pizza {")
        await connection.send_text('["secret-pizza"]')
        await connection.send_bytes(b"\x00\xff")
        await connection.begin()
        await connection.send(
            {"type": "Turn", "end_of_turn": True, "words": "secret-pizza"},
            {"type": "Turn", "end_of_turn": True, "transcript": "secret-pizza", "words": [{"start": "secret-pizza"}]},
            {"type": "SpeechStarted", "timestamp": "secret-pizza"},
            final("secret-pizza") | {"end_of_turn": "no"},
            {"type": "Heartbeat", "text": "secret-pizza"},
            {"text": "secret-pizza"},
            {"type": ["secret-pizza"]},
            final("Still here."),
        )
        await connection.end()

    async with ScriptedServer(script).running() as server, listening(make_stt(server.url), ONCE) as stream:
        assert (await heard(stream, Kind.FINAL_TRANSCRIPT)).alternatives[0].text == "Still here."
    assert [each.text for each in recorder.of(UserFinal)] == ["Still here."]
    assert "secret-pizza" not in caplog.text


async def test_a_field_that_is_null_counts_as_missing(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    nulls = final("Two large pizzas.", language_code=None, speaker_label=None, utterance=None, words=None)
    async with (
        ScriptedServer(says(nulls)).running() as server,
        listening(make_stt(server.url), ONCE) as stream,
    ):
        assert (await heard(stream, Kind.FINAL_TRANSCRIPT)).alternatives[0].text == "Two large pizzas."
    assert [each.text for each in recorder.of(UserFinal)] == ["Two large pizzas."]


async def test_a_bill_that_is_no_number_is_left_out(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.until_terminate()
        await connection.send({"type": "Termination", "session_duration_seconds": "seven"})

    async with ScriptedServer(script).running() as server, listening(make_stt(server.url)):
        await recorder.until(SttOpened)
    assert [each.billed_seconds for each in recorder.of(SttClosed)] == [None]
