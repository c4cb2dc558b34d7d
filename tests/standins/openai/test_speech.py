"""Speech, with the official SDK as the client."""

import base64
import io
import json
import wave

import openai
import pytest

from tests.parts.standins import Standin

TEXT = "Your order left our store this morning."


def samples_of(wav: bytes) -> bytes:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24000, 1, 2)
        return file.readframes(file.getnframes())


@pytest.mark.needs("speech")
async def test_wav_and_pcm_carry_the_same_speech(client: openai.AsyncOpenAI) -> None:
    wav = await client.audio.speech.create(model="tts-1", voice="ash", input=TEXT, response_format="wav")
    pcm = await client.audio.speech.create(model="tts-1", voice="ash", input=TEXT, response_format="pcm")
    assert wav.response.headers["content-type"] == "audio/wav"
    assert pcm.response.headers["content-type"] == "audio/pcm"
    assert samples_of(wav.content) == pcm.content
    assert len(pcm.content) > 24000 * 2


@pytest.mark.needs("speech")
async def test_a_compressed_format_is_answered_with_wav_that_says_so(client: openai.AsyncOpenAI) -> None:
    answer = await client.audio.speech.create(model="gpt-4o-mini-tts", voice="ash", input=TEXT, stream_format="sse")
    assert answer.response.headers["content-type"] == "audio/wav"
    assert samples_of(answer.content)


@pytest.mark.needs("speech")
async def test_events_carry_the_audio_and_end_with_the_usage(client: openai.AsyncOpenAI) -> None:
    whole = await client.audio.speech.create(model="tts-1", voice="ash", input=TEXT, response_format="pcm")
    streamed = await client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="ash", input=TEXT, response_format="pcm", stream_format="sse"
    )
    events = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: ")]
    deltas = [event["audio"] for event in events if event["type"] == "speech.audio.delta"]
    assert b"".join(map(base64.b64decode, deltas)) == whole.content
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["input_tokens"] == len(TEXT.split())


async def test_an_empty_text_is_refused(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid value for 'input'"):
        await client.audio.speech.create(model="tts-1", voice="ash", input="")


@pytest.mark.needs("speech")
async def test_the_log_keeps_text_voice_and_duration(client: openai.AsyncOpenAI, openai_standin: Standin) -> None:
    spoken = await client.audio.speech.create(model="tts-1", voice="nova", input=TEXT, response_format="pcm")
    entry = openai_standin.log()["speech"][-1]
    assert (entry["input"], entry["voice"], entry["outcome"]) == (TEXT, "nova", "finished")
    assert entry["audio_ms"] == len(spoken.content) / 48


@pytest.mark.needs("speech")
async def test_the_first_byte_waits_for_its_delay(client: openai.AsyncOpenAI, openai_standin: Standin) -> None:
    openai_standin.call("POST", "/control/settings", {"first_byte_ms": 150})
    await client.audio.speech.create(model="tts-1", voice="ash", input=TEXT, response_format="pcm")
    entry = openai_standin.log()["speech"][-1]
    assert entry["first_piece_at"] - entry["received_at"] >= 0.15 - 0.005
