"""The STT stream against a scripted server: nothing is heard before it is written."""

import asyncio
import logging
import time

import pytest

from tests.speech.conftest import KEY, PATIENT, MakeStt
from tests.speech.listening import Kind, heard, listening, says, silence
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_server import (
    TERMINATION,
    Connection,
    ScriptedServer,
    final,
    turn,
    until_terminated,
)
from worker.speech.assemblyai.patience import Patience
from worker.transcript.events import Gap, SttClosed, SttOpened, UserEarly, UserFinal

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

    before = time.time()
    async with ScriptedServer(script).running() as server, listening(make_stt(server.url)) as stream:
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
    assert [len(chunk) for chunk in connection.chunks] == [1600, 1600, 1600, 1600]


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
        stream.push_frame(silence(50))
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
    make_stt: MakeStt, recorder: MemoryRecorder
) -> None:
    async def script(connection: Connection) -> None:
        await connection.begin()

    async with ScriptedServer(script).running() as server:
        owner = make_stt(server.url, Patience(termination_seconds=0.05))
        stream = owner.stream(conn_options=PATIENT)
        stream.push_frame(silence(50))
        await recorder.until(SttOpened)
        await stream.aclose()
        async with asyncio.timeout(PATIENCE_S):
            await owner.farewells()
        await (await server.connection()).until_terminate()
    (closed,) = recorder.of(SttClosed)
    assert closed.billed_seconds is None


async def test_a_stream_that_never_connected_can_be_closed(make_stt: MakeStt) -> None:
    async with ScriptedServer("hang").running() as server:
        owner = make_stt(server.url, Patience(termination_seconds=0.05))
        stream = owner.stream(conn_options=PATIENT)
        stream.push_frame(silence(50))
        await let_others_run()
        await stream.aclose()
        async with asyncio.timeout(PATIENCE_S):
            await owner.farewells()


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

    async with ScriptedServer(script).running() as server, listening(make_stt(server.url)) as stream:
        assert (await heard(stream, Kind.FINAL_TRANSCRIPT)).alternatives[0].text == "Still here."
    assert [each.text for each in recorder.of(UserFinal)] == ["Still here."]
    assert "secret-pizza" not in caplog.text


async def test_a_field_that_is_null_counts_as_missing(make_stt: MakeStt, recorder: MemoryRecorder) -> None:
    nulls = final("Two large pizzas.", language_code=None, speaker_label=None, utterance=None, words=None)
    async with (
        ScriptedServer(says(nulls)).running() as server,
        listening(make_stt(server.url)) as stream,
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
