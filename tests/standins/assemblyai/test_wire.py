"""The wire protocol over a real connection, with the light engine."""

import json
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from tests.parts.standins import Standin, standin
from tests.standins.assemblyai.sound import chunks, silence, tone
from tests.standins.assemblyai.wire import Client, connected, say

CONFIDENCE_BASED = {"speech_model": "universal-streaming-english", "min_turn_silence": 160}
PUNCTUATED = {"speech_model": "universal-3-5-pro", "min_turn_silence": 100, "max_turn_silence": 1000}


def shape(client: Client) -> list[tuple[Any, ...]]:
    """The turns as (order, end of turn, formatted, transcript, utterance)."""
    fields = ("turn_order", "end_of_turn", "turn_is_formatted", "transcript", "utterance")
    return [tuple(turn[field] for field in fields) for turn in client.turns]


async def test_a_session_begins_at_once_and_ends_with_what_is_billed(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        begin = await client.until("Begin")
        assert begin["expires_at"] > 1_700_000_000
        await client.audio(silence(2000))
        (*_, termination) = await client.terminate()
    assert termination == {
        "type": "Termination",
        "audio_duration_seconds": 2,
        "session_duration_seconds": 1,
    }
    assert client.socket.close_code == 1000


async def test_universal_streaming_tells_early_and_ends_twice_with_formatting(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **CONFIDENCE_BASED, format_turns="true") as client:
        await say(client, tone(1000), pause_ms=600)
        await client.terminate()
    plain = "what are your opening hours"
    assert [message["type"] for message in client.received[:3]] == ["Begin", "SpeechStarted", "Turn"]
    assert shape(client)[-3:] == [
        (0, False, False, plain, plain),
        (0, True, False, plain, plain),
        (0, True, True, "What are your opening hours?", ""),
    ]


async def test_universal_3_holds_an_unfinished_sentence_and_joins_what_follows(assemblyai_standin: Standin):
    assemblyai_standin.call("POST", "/control/script", {"texts": ["I would like", "to book a table."]})
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await say(client, tone(800), silence(500), tone(800), pause_ms=1200)
        await client.terminate()
    held = next(turn for turn in client.turns if not turn["end_of_turn"])
    assert (held["transcript"], held["end_of_turn_confidence"]) == ("I would like", 0.0)
    assert [turn["transcript"] for turn in client.finals] == ["I would like to book a table."]


async def test_no_word_ends_after_the_last_voiced_sample_and_words_do_not_overlap(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await say(client, tone(1000), pause_ms=600)
        await client.terminate()
    (final,) = client.finals
    assert final["words"][0]["start"] == 500
    assert final["words"][-1]["end"] == 1500
    assert all(before["end"] <= after["start"] for before, after in pairwise(final["words"]))


async def test_silence_gives_nothing(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await client.audio(silence(5000))
        received = await client.terminate()
    assert [message["type"] for message in received] == ["Begin", "Termination"]


async def test_two_seconds_of_zeros_at_the_end_bring_the_final(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await say(client, tone(1000))
        await client.audio(silence(2000))
        final = await client.until("Turn", end_of_turn=True)
    assert final["transcript"] == "What are your opening hours?"


@pytest.mark.parametrize("ending", ["ForceEndpoint", "Terminate"])
async def test_an_open_turn_ends_at_once_when_the_client_says_so(assemblyai_standin: Standin, ending: str):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await say(client, tone(1000))
        await client.send(ending)
        final = await client.until("Turn", end_of_turn=True)
    assert final["transcript"] == "What are your opening hours?"


async def test_a_configuration_changes_an_open_session(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await client.send("UpdateConfiguration", min_turn_silence=900)
        await say(client, tone(1000), pause_ms=850)
        await client.send("KeepAlive")
        await client.audio(silence(100))
        await client.until("Turn", end_of_turn=True)
        await client.terminate()
    session = assemblyai_standin.log()["sessions"][-1]
    assert session["updates"] == [{"type": "UpdateConfiguration", "min_turn_silence": 900}]
    assert (session["audio_ms"], session["terminated"]) == (2450, True)


async def test_language_and_speaker_are_named_when_asked_for(assemblyai_standin: Standin):
    asked = {"language_detection": "true", "language_codes": json.dumps(["es"]), "speaker_labels": "true"}
    async with connected(assemblyai_standin, **PUNCTUATED, **asked) as client:
        await say(client, tone(1000), pause_ms=700)
        await client.terminate()
    (final,) = client.finals
    assert (final["language_code"], final["speaker_label"]) == ("es", "A")


@pytest.mark.parametrize("key", [None, "", "Bearer key"])
async def test_a_key_that_is_missing_or_has_a_scheme_is_unauthorized(assemblyai_standin: Standin, key: str | None):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected(assemblyai_standin, key=key):
            pass
    assert refused.value.status == 401


async def test_the_old_endpoint_is_gone(assemblyai_standin: Standin):
    async with aiohttp.ClientSession() as http, http.get(f"{assemblyai_standin.url}/v2/realtime/ws") as answer:
        assert answer.status == 410


async def test_a_token_opens_one_session(assemblyai_standin: Standin):
    async with aiohttp.ClientSession() as http:
        address = f"{assemblyai_standin.url}/v3/token?expires_in_seconds=60"
        async with http.get(address, headers={"Authorization": "key"}) as answer:
            token = (await answer.json())["token"]
    async with connected(assemblyai_standin, key=None, token=token) as client:
        await client.until("Begin")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with connected(assemblyai_standin, key=None, token=token):
            pass
    assert token not in json.dumps(assemblyai_standin.log())


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([silence(1050)], 3007),
        ([silence(20), silence(50)], 3007),
        (["{nonsense"], 3006),
        (['{"type":"Sing"}'], 3006),
        (["[]"], 3006),
        (['{"type":"UpdateConfiguration","max_turn_silence":"long"}'], 3006),
    ],
    ids=["long chunk", "short chunk", "no JSON", "unknown type", "no object", "wrong value"],
)
async def test_a_wrong_frame_closes_the_session_after_an_error(
    assemblyai_standin: Standin, frames: list[bytes | str], code: int
):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        for frame in frames:
            await (client.socket.send_str(frame) if isinstance(frame, str) else client.socket.send_bytes(frame))
        (*_, error) = await client.rest()
    assert (error["type"], error["error_code"], client.socket.close_code) == ("Error", code, code)
    assert client.close_reason == error["error"]


async def test_a_message_over_the_limit_closes_the_session(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await client.socket.send_bytes(bytes(128 * 1024 + 1))
        await client.rest()
    assert client.socket.close_code == 1009


async def test_a_wrong_parameter_closes_the_session_before_it_begins(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, speech_model="slam-1") as client:
        (only,) = await client.rest()
    assert (only["error_code"], only["error"]) == (3006, "Invalid speech_model: slam-1")


async def test_a_short_tail_before_terminate_is_heard(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await client.audio(silence(1000))
        await client.socket.send_bytes(silence(10))
        (*_, last) = await client.terminate()
    assert last["type"] == "Termination"
    assert assemblyai_standin.log()["sessions"][-1]["audio_ms"] == 1010


async def test_an_old_session_expires(tmp_path: Any):
    arguments = ("--engine", "light", "--session-seconds", "0.2")
    with standin("assemblyai", arguments, tmp_path / "log") as running:
        async with connected(running, **PUNCTUATED) as client:
            (_, error) = await client.rest()
    assert (error["error_code"], client.socket.close_code) == (3008, 3008)


async def test_late_messages_stay_in_order_and_come_before_the_close(tmp_path: Any):
    with standin("assemblyai", ("--engine", "light", "--latency-ms", "30"), tmp_path / "log") as running:
        running.call("POST", "/control/script", {"texts": ["Yes."]})
        async with connected(running, **PUNCTUATED) as client:
            await say(client, tone(500))
            received = await client.terminate()
    assert [message["type"] for message in received] == ["Begin", "SpeechStarted", "Turn", "Termination"]


async def test_a_shared_script_goes_on_after_a_connection_was_lost(assemblyai_standin: Standin):
    script = {"texts": ["One.", "Two.", "Three."], "scope": "all"}
    assemblyai_standin.call("POST", "/control/script", script)
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await say(client, tone(600), pause_ms=600)
        await client.audio(tone(300))  # the second sentence is cut off here
        await client.until("Turn", transcript="One.", end_of_turn=True)
    async with connected(assemblyai_standin, **PUNCTUATED) as again:
        await say(again, tone(600), silence(600), tone(600), pause_ms=600)
        await again.terminate()
    assert [turn["transcript"] for turn in again.finals] == ["Two.", "Three."]


async def test_many_connections_are_served_at_once(assemblyai_standin: Standin):
    async with (
        connected(assemblyai_standin, **PUNCTUATED) as first,
        connected(assemblyai_standin, **PUNCTUATED) as second,
    ):
        assert len(assemblyai_standin.state()["open_sessions"]) == 2
        for chunk in chunks(silence(500) + tone(600) + silence(600)):
            await first.socket.send_bytes(chunk)
            await second.socket.send_bytes(chunk)
        for client in (first, second):
            await client.terminate()
            assert len(client.finals) == 1


async def test_the_log_is_the_oracle_of_what_was_sent(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **CONFIDENCE_BASED) as client:
        await say(client, tone(1000), pause_ms=600)
        await client.terminate()
    session = assemblyai_standin.log()["sessions"][-1]
    assert [final["text"] for final in session["finals"]] == [turn["transcript"] for turn in client.finals]
    assert [early["utterance"] for early in session["early"]] == ["what are your opening hours"]
    assert session["query"]["min_turn_silence"] == "160"
    assert (session["close_code"], session["closed_at"] >= session["opened_at"]) == (1000, True)
    assert client.received[0]["id"] == session["id"]


async def test_speakers_are_revised_after_terminate_where_they_are_told_apart(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED, speaker_labels="true") as client:
        await client.until("Begin")
        await say(client, tone(600), pause_ms=2000)
        rest = await client.terminate()
    kinds = [message["type"] for message in rest]
    assert kinds[-2:] == ["SpeakerRevision", "Termination"]
    assert rest[-2]["revisions"] == [{"turn_order": 0, "speaker_label": "A", "words": []}]


async def test_the_log_tells_by_how_much_the_audio_was_ahead_of_real_time(assemblyai_standin: Standin):
    async with connected(assemblyai_standin, **PUNCTUATED) as client:
        await client.until("Begin")
        await client.audio(silence(5000))
        await client.terminate()
    assert 3000 <= assemblyai_standin.log()["sessions"][-1]["lead_ms"] <= 5000
