"""A piece of text is spoken once it is on disk; else the wrapper changes nothing."""

import asyncio

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, tts
from livekit.agents.metrics import TTSMetrics
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT

from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_tts import RATE, ScriptedTTS
from worker.speech.failures import code_of
from worker.speech.tts import Stalled, WriteAheadTTS
from worker.transcript.events import AgentSentence

THRICE = APIConnectOptions(max_retry=2, retry_interval=0.0, timeout=5)


async def spoken(stream: tts.ChunkedStream | tts.SynthesizeStream) -> list[tts.SynthesizedAudio]:
    async with asyncio.timeout(PATIENCE_S), stream:
        return [audio async for audio in stream]


def milliseconds(audio: list[tts.SynthesizedAudio]) -> int:
    return round(sum(1000 * each.frame.duration for each in audio))


async def until_attempted(wrapped: ScriptedTTS) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await wrapped.attempted.wait()


# --- whole texts


async def test_a_text_is_spoken_only_when_it_is_accepted(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS()
    recorder.hold()
    waiting = asyncio.create_task(spoken(WriteAheadTTS(wrapped, recorder).synthesize("Two pizzas.")))
    await recorder.until(AgentSentence)
    await let_others_run()
    assert wrapped.spoken == []
    recorder.release()
    assert milliseconds(await waiting) == 100
    assert wrapped.spoken == ["Two pizzas."]
    assert recorder.events == [AgentSentence(text="Two pizzas.", speech="speech-1")]


async def test_a_text_is_tried_again_as_often_as_asked_and_written_once(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS(APIConnectionError("no"), APIConnectionError("no"))
    audio = await spoken(WriteAheadTTS(wrapped, recorder).synthesize("Two pizzas.", conn_options=THRICE))
    assert milliseconds(audio) == 100
    assert wrapped.attempts == 3
    assert len(recorder.of(AgentSentence)) == 1


async def test_a_text_that_cannot_be_spoken_is_reported_once(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS(*[APIConnectionError("no") for _ in range(9)])
    wrapper = WriteAheadTTS(wrapped, recorder)
    errors: list[tts.TTSError] = []
    wrapper.on("error", errors.append)
    with pytest.raises(APIError):
        await spoken(wrapper.synthesize("Two pizzas.", conn_options=THRICE))
    assert wrapped.attempts == 3
    assert [error.recoverable for error in errors] == [False]


async def test_a_voice_that_falls_silent_in_a_text_is_not_waited_for(
    recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.speech.tts.STALL_SECONDS", 0.01)
    wrapped = ScriptedTTS(stall=True)
    with pytest.raises(Stalled) as failure:
        await spoken(WriteAheadTTS(wrapped, recorder).synthesize("Two pizzas.", conn_options=THRICE))
    assert code_of("tts", failure.value) == "tts.stalled"
    assert wrapped.closed_streams == 1


async def test_cancelling_a_text_closes_the_wrapped_stream(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS(hang=True)
    stream = WriteAheadTTS(wrapped, recorder).synthesize("Two pizzas.")
    await until_attempted(wrapped)
    await stream.aclose()
    assert wrapped.closed_streams == 1


# --- streams


async def test_each_piece_of_a_stream_is_spoken_only_when_it_is_accepted(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS(streaming=True)
    stream = WriteAheadTTS(wrapped, recorder).stream(conn_options=THRICE)
    recorder.hold()
    stream.push_text("Two ")
    stream.push_text("pizzas.")
    stream.end_input()
    waiting = asyncio.create_task(spoken(stream))
    await recorder.until(AgentSentence)
    await let_others_run()
    assert wrapped.spoken == []
    recorder.release()
    assert milliseconds(await waiting) == 200
    assert wrapped.spoken == ["Two ", "pizzas."]
    assert [(each.text, each.continues) for each in recorder.of(AgentSentence)] == [("Two ", False), ("pizzas.", True)]


async def test_the_words_times_of_a_stream_pass_through(recorder: MemoryRecorder) -> None:
    wrapper = WriteAheadTTS(ScriptedTTS(streaming=True), recorder)
    assert wrapper.capabilities.streaming and wrapper.capabilities.aligned_transcript
    stream = wrapper.stream()
    stream.push_text("Two.")
    stream.end_input()
    timed = [each.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) for each in await spoken(stream)]
    assert [str(word) for words in timed if words for word in words] == ["Two."]


async def test_a_stream_is_tried_again_as_often_as_asked_and_written_once(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS(APIConnectionError("no"), APIConnectionError("no"), streaming=True)
    stream = WriteAheadTTS(wrapped, recorder).stream(conn_options=THRICE)
    stream.push_text("Two pizzas.")
    stream.end_input()
    assert milliseconds(await spoken(stream)) == 100
    assert wrapped.attempts == 3
    assert len(recorder.of(AgentSentence)) == 1


async def test_a_stream_that_fails_while_text_still_comes_is_reported_once(
    recorder: MemoryRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    wrapped = ScriptedTTS(*[APIConnectionError("no") for _ in range(9)], streaming=True)
    wrapper = WriteAheadTTS(wrapped, recorder)
    errors: list[tts.TTSError] = []
    wrapper.on("error", errors.append)
    stream = wrapper.stream(conn_options=THRICE)
    stream.push_text("Two pizzas.")
    with pytest.raises(APIError):
        await spoken(stream)
    assert [error.recoverable for error in errors] == [False]
    assert wrapped.closed_streams == 1
    assert "never retrieved" not in caplog.text


async def test_cancelling_a_stream_closes_the_wrapped_one(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS(streaming=True, hang=True)
    stream = WriteAheadTTS(wrapped, recorder).stream(conn_options=THRICE)
    stream.push_text("Two pizzas.")
    await until_attempted(wrapped)
    await stream.aclose()
    assert wrapped.closed_streams == 1


async def test_an_empty_stream_speaks_nothing(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS(streaming=True)
    stream = WriteAheadTTS(wrapped, recorder).stream(conn_options=THRICE)
    stream.end_input()
    assert await spoken(stream) == []
    assert recorder.events == []


# --- both


@pytest.mark.parametrize("streaming", [False, True])
async def test_metrics_are_reported_once_and_in_the_wrapped_tts_s_name(
    recorder: MemoryRecorder, streaming: bool
) -> None:
    wrapper = WriteAheadTTS(ScriptedTTS(streaming=streaming), recorder)
    metrics: list[TTSMetrics] = []
    wrapper.on("metrics_collected", metrics.append)
    if streaming:
        stream = wrapper.stream()
        stream.push_text("Two pizzas.")
        stream.end_input()
        await spoken(stream)
    else:
        await spoken(wrapper.synthesize("Two pizzas."))
    (collected,) = metrics
    assert collected.characters_count == len("Two pizzas.")
    assert collected.metadata is not None
    assert (collected.metadata.model_name, collected.metadata.model_provider) == ("scripted", "the test")


async def test_prewarming_and_closing_reach_the_wrapped_tts(recorder: MemoryRecorder) -> None:
    wrapped = ScriptedTTS()
    wrapper = WriteAheadTTS(wrapped, recorder)
    wrapper.prewarm()
    await wrapper.aclose()
    assert wrapped.prewarmed and wrapped.closed
    assert (wrapper.model, wrapper.provider, wrapper.sample_rate) == ("scripted", "the test", RATE)
