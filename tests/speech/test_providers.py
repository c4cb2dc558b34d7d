"""The providers that the settings ask for, and what each is told."""

from typing import Any

import aiohttp
import pytest
from livekit.agents import llm, tts
from livekit.plugins import assemblyai, openai

from config import Settings
from tests.speech.memory_recorder import MemoryRecorder
from worker.errors import Misconfigured
from worker.speech.providers import build_llm, build_speech, build_tts, load_vad, provider_names, stt_options

KEYS: dict[str, dict[str, Any]] = {
    "stt": {"api_key": "stt-secret"},
    "llm": {"api_key": "llm-secret"},
    "tts": {"api_key": "tts-secret"},
}


def settings(**sections: dict[str, Any]) -> Settings:
    merged = {name: KEYS.get(name, {}) | sections.get(name, {}) for name in {*KEYS, *sections}}
    return Settings.model_validate(merged)


UNIVERSAL_3 = ["universal-3-5-pro", "universal-3-6-pro", "u3-rt-pro", "u3-rt-pro-beta-1"]
UNIVERSAL_STREAMING = ["universal-streaming-english", "universal-streaming-multilingual"]


@pytest.mark.parametrize("model", UNIVERSAL_3 + UNIVERSAL_STREAMING)
async def test_every_model_gets_both_silence_bounds_and_the_plugin_takes_all_options(model: str) -> None:
    options = stt_options(settings(stt={"model": model}, turns={"min_turn_silence": 160, "max_turn_silence": 2400}))
    assert (options["model"], options["min_turn_silence"], options["max_turn_silence"]) == (model, 160, 2400)
    assert (options["sample_rate"], options["encoding"]) == (16_000, "pcm_s16le")
    assert options["api_key"] == "stt-secret"
    async with aiohttp.ClientSession() as http:
        plugin = assemblyai.STT(http_session=http, **options)
    assert plugin.model == model


@pytest.mark.parametrize("model", UNIVERSAL_STREAMING)
def test_universal_streaming_is_told_how_to_format_and_how_sure_to_be(model: str) -> None:
    options = stt_options(settings(stt={"model": model, "format_turns": False, "end_of_turn_confidence": 0.7}))
    assert (options["format_turns"], options["end_of_turn_confidence_threshold"]) == (False, 0.7)
    assert "language_codes" not in options


@pytest.mark.parametrize("model", UNIVERSAL_3)
def test_universal_3_is_told_neither_but_the_languages(model: str) -> None:
    options = stt_options(settings(stt={"model": model, "language_codes": ["en", "es"]}))
    assert "format_turns" not in options
    assert "end_of_turn_confidence_threshold" not in options
    assert options["language_codes"] == ["en", "es"]


def test_what_is_not_set_is_not_sent() -> None:
    options = stt_options(settings())
    assert "keyterms_prompt" not in options
    assert "language_codes" not in options
    assert stt_options(settings(stt={"keyterms": ["Verbatim"]}))["keyterms_prompt"] == ["Verbatim"]


@pytest.mark.parametrize("preset", ["min_latency", "balanced", "max_accuracy"])
def test_a_mode_of_the_vendor_s_is_named_to_it(preset: str) -> None:
    assert stt_options(settings(turns={"preset": preset}))["mode"] == preset


@pytest.mark.parametrize(
    ("model", "preset"), [("universal-3-5-pro", "fast"), ("universal-streaming-english", "balanced")]
)
def test_a_preset_that_is_no_mode_is_not(model: str, preset: str) -> None:
    assert "mode" not in stt_options(settings(stt={"model": model}, turns={"preset": preset}))


ALL_OPTIONS: dict[str, Any] = {
    "prompt": "Calls of a pharmacy.", "interruption_delay": 0, "voice_focus": "near-field",
    "voice_focus_threshold": 0.5, "previous_context_turns": 0, "domain": "medical-v1",
    "speaker_labels": True, "max_speakers": 2,
}  # fmt: skip


async def test_every_option_that_is_set_is_sent_by_the_vendor_s_name() -> None:
    options = stt_options(settings(stt=ALL_OPTIONS, turns={"preset": "speakers"}))
    async with aiohttp.ClientSession() as http:
        told = assemblyai.STT(http_session=http, **options)._opts
    assert (told.prompt, told.interruption_delay, told.domain) == ("Calls of a pharmacy.", 0, "medical-v1")
    assert (told.voice_focus, told.voice_focus_threshold, told.previous_context_n_turns) == ("near-field", 0.5, 0)
    assert (told.speaker_labels, told.max_speakers) == (True, 2)
    assert "continuous_partials" not in options


@pytest.mark.parametrize(
    ("agent", "stt", "codes"),
    [({"language": "ja"}, {}, ["ja"]), ({"language": "es"}, {"language_codes": ["en", "es"]}, ["en", "es"])],
)
def test_the_language_of_the_calls_is_expected(agent: dict[str, Any], stt: dict[str, Any], codes: list[str]) -> None:
    assert stt_options(settings(agent=agent, stt=stt))["language_codes"] == codes


@pytest.mark.parametrize(("model", "finds_out"), [("english", False), ("multilingual", True)])
def test_universal_streaming_finds_the_language_out_where_it_knows_several(model: str, finds_out: bool) -> None:
    chosen = settings(stt={"model": f"universal-streaming-{model}"}, agent={"language": "en"})
    assert stt_options(chosen)["language_detection"] is finds_out
    assert "language_codes" not in stt_options(chosen)


def test_the_local_vad_has_the_threshold_of_the_stt() -> None:
    vad = load_vad(settings(stt={"vad_threshold": 0.4}))
    assert vad._opts.activation_threshold == 0.4  # type: ignore[attr-defined]


async def test_all_three_are_wrapped_and_close() -> None:
    speech = build_speech(settings(), MemoryRecorder())
    assert (speech.stt.model, speech.llm.model, speech.tts.model) == (
        "universal-3-5-pro", "gpt-4o-mini", "gpt-4o-mini-tts",
    )  # fmt: skip
    await speech.aclose()


async def test_the_default_llm_and_tts_are_openai_s_at_the_address_in_the_settings() -> None:
    chosen = settings(
        llm={"base_url": "http://127.0.0.1:1/v1", "temperature": 0.2}, tts={"base_url": "http://127.0.0.1:2/v1"}
    )
    model, voice = build_llm(chosen), build_tts(chosen)
    assert isinstance(model, openai.LLM) and isinstance(voice, openai.TTS)
    assert str(model._client.base_url) == "http://127.0.0.1:1/v1/"
    assert str(voice._client.base_url) == "http://127.0.0.1:2/v1/"
    await model.aclose()
    await voice.aclose()


# --- plugins of the operator's choice


class OwnLLM(llm.LLM[Any]):
    def __init__(self, *, warmth: int = 1) -> None:
        super().__init__()
        self.warmth = warmth

    def chat(self, **_: Any) -> llm.LLMStream:
        raise NotImplementedError


class PickyTTS(tts.TTS[Any]):
    def __init__(self) -> None:
        raise ValueError("there is no voice")

    def synthesize(self, text: str, **_: Any) -> tts.ChunkedStream:
        raise NotImplementedError


HERE = "tests.speech.test_providers"


def test_a_plugin_gets_its_options() -> None:
    built = build_llm(settings(llm={"api_key": None, "plugin": f"{HERE}:OwnLLM", "options": {"warmth": 7}}))
    assert getattr(built, "warmth", None) == 7


@pytest.mark.parametrize(
    ("section", "given", "sentence"),
    [
        (
            "llm",
            {"plugin": f"{HERE}:OwnLLM", "options": {"colour": 1}},
            "llm.plugin tests.speech.test_providers:OwnLLM cannot be made from llm.options",
        ),
        ("tts", {"plugin": f"{HERE}:PickyTTS"}, "(ValueError: there is no voice)"),
        ("tts", {"plugin": f"{HERE}:OwnLLM"}, "is no subclass of livekit.agents.tts.tts.TTS"),
        (
            "llm",
            {"plugin": "livekit.plugins.no_such_thing:LLM"},
            "install it with: uv pip install livekit-plugins-no-such-thing",
        ),
    ],
)
def test_a_plugin_that_cannot_be_made_is_refused_with_a_sentence(
    section: str, given: dict[str, Any], sentence: str
) -> None:
    chosen = settings(**{section: {"api_key": None} | given})
    with pytest.raises(Misconfigured, match=r"\w") as refused:
        (build_llm if section == "llm" else build_tts)(chosen)
    assert sentence in str(refused.value)


# --- names for the transcript


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("wss://streaming.assemblyai.com", "AssemblyAI universal-3-5-pro"),
        ("wss://streaming.eu.assemblyai.com", "AssemblyAI universal-3-5-pro"),
        ("ws://127.0.0.1:41234", "universal-3-5-pro at 127.0.0.1:41234, not AssemblyAI"),
        ("wss://notassemblyai.com", "universal-3-5-pro at notassemblyai.com, not AssemblyAI"),
    ],
)
def test_an_endpoint_that_is_not_the_vendor_s_is_named(base_url: str, name: str) -> None:
    assert provider_names(settings(stt={"base_url": base_url}))["stt"] == name


def test_a_plugin_is_named_by_its_class() -> None:
    chosen = settings(llm={"api_key": None, "plugin": f"{HERE}:OwnLLM"})
    assert provider_names(chosen)["llm"] == f"{HERE}:OwnLLM"
    assert provider_names(chosen)["tts"] == "OpenAI gpt-4o-mini-tts"
