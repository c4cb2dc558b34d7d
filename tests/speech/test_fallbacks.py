"""When the first model fails, the next one answers; what is said is written once."""

import asyncio

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, llm

from config import Settings
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder
from tests.speech.scripted_llm import ScriptedLLM
from tests.speech.scripted_tts import ScriptedTTS
from tests.speech.test_tts import milliseconds, spoken
from worker.speech import fallbacks
from worker.speech.failures import code_of
from worker.speech.fallbacks import FallbackLLM, FallbackTTS, llm_with_fallbacks, tts_with_fallbacks
from worker.speech.llm import WriteAheadLLM
from worker.speech.providers import build_llm, build_tts
from worker.speech.tts import WriteAheadTTS
from worker.transcript.events import AgentSentence, ErrorRaised

ONCE = APIConnectOptions(max_retry=0, timeout=5)
ANSWER = [llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", content="Two it is."))]


async def answered(model: llm.LLM) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Two pizzas.")
    async with asyncio.timeout(PATIENCE_S), model.chat(chat_ctx=context, conn_options=ONCE) as stream:
        return "".join([chunk.delta.content or "" async for chunk in stream if chunk.delta])


def codes(recorder: MemoryRecorder) -> list[tuple[str, bool]]:
    return [(error.code, error.fatal) for error in recorder.of(ErrorRaised)]


async def test_the_next_llm_answers_for_one_that_fails(recorder: MemoryRecorder) -> None:
    # What failed is asked again beside the call: its second outcome.
    first, second = ScriptedLLM(APIStatusError("no", status_code=401), None), ScriptedLLM(ANSWER)
    model = WriteAheadLLM(FallbackLLM([first, second], recorder), recorder)
    assert await answered(model) == "Two it is."
    assert codes(recorder) == [("llm.http_401", False)]
    await model.aclose()
    assert first.closed
    assert second.closed


async def test_when_no_llm_answers_that_is_told(recorder: MemoryRecorder) -> None:
    first = ScriptedLLM(APIConnectionError("no", retryable=False), None)
    second = ScriptedLLM(APIStatusError("no", status_code=500, retryable=False), None)
    model = FallbackLLM([first, second], recorder)
    with pytest.raises(APIConnectionError) as failure:
        await answered(model)
    assert code_of("llm", failure.value) == "llm.all_failed"
    assert codes(recorder)[:2] == [("llm.network", False), ("llm.http_500", False)]


async def test_the_next_voice_speaks_for_one_that_fails(recorder: MemoryRecorder) -> None:
    first = ScriptedTTS(APIStatusError("no", status_code=429), APIStatusError("no", status_code=429))
    second = ScriptedTTS()
    voice = WriteAheadTTS(FallbackTTS([first, second], recorder), recorder)
    audio = await spoken(voice.synthesize("Two pizzas.", conn_options=ONCE))
    assert milliseconds(audio) == 100
    assert second.spoken == ["Two pizzas."]
    assert [piece.text for piece in recorder.of(AgentSentence)] == ["Two pizzas."]
    assert codes(recorder)[0] == ("tts.http_429", False)
    await voice.aclose()
    assert first.closed
    assert second.closed


async def test_the_next_voice_speaks_for_one_that_hangs(
    recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallbacks, "FALLBACK_SECONDS", 0.05)
    second = ScriptedTTS()
    voice = FallbackTTS([ScriptedTTS(hang=True), second], recorder)
    assert milliseconds(await spoken(voice.synthesize("Two pizzas.", conn_options=ONCE))) == 100
    assert codes(recorder)[0] == ("tts.timeout", False)
    await voice.aclose()


async def test_without_fallbacks_nothing_is_between(recorder: MemoryRecorder) -> None:
    model, voice = ScriptedLLM(), ScriptedTTS()
    assert llm_with_fallbacks(lambda _: model, Settings(), recorder) is model
    assert tts_with_fallbacks(lambda _: voice, Settings(), recorder) is voice


async def test_fallbacks_have_the_first_one_s_service_and_key_unless_they_have_their_own(
    recorder: MemoryRecorder,
) -> None:
    settings = Settings.model_validate(
        {
            "llm": {"api_key": "one", "fallback_models": "a, b"},
            "tts": {
                "api_key": "one",
                "fallback_models": ["c"],
                "fallback_base_url": "http://127.0.0.1:9/v1",
                "fallback_api_key": "two",
                "fallback_voice": "coral",
            },
        }
    )
    model = llm_with_fallbacks(build_llm, settings, recorder)
    voice = tts_with_fallbacks(build_tts, settings, recorder)
    assert isinstance(model, FallbackLLM)
    assert isinstance(voice, FallbackTTS)
    _, *others = model._instances
    assert [(each.model, str(each._client.base_url), each._client.api_key) for each in others] == [  # type: ignore[attr-defined]
        ("a", "https://api.openai.com/v1/", "one"),
        ("b", "https://api.openai.com/v1/", "one"),
    ]
    (_, other) = voice._instances
    assert str(other._client.base_url) == "http://127.0.0.1:9/v1/"  # type: ignore[attr-defined]
    assert (other.model, other._opts.voice, other._client.api_key) == ("c", "coral", "two")  # type: ignore[attr-defined]
    await model.aclose()
    await voice.aclose()
