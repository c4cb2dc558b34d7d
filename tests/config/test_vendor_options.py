"""Who answers and who speaks: keys, addresses and models follow, and what does not fit is refused."""

import pytest

from config import load
from config.sections.llm import GATEWAY_MODEL
from config.sections.tts import ASSEMBLYAI_MODEL, ASSEMBLYAI_VOICE
from tests.config.conftest import Load, Refuse

GATEWAY, VOICE = {"llm.provider": "gateway"}, {"tts.provider": "assemblyai"}


@pytest.mark.parametrize(
    ("region", "gateway", "voice"),
    [
        ("edge", "https://llm-gateway.assemblyai.com/v1", "wss://tts.us.assemblyai.com"),
        ("us", "https://llm-gateway.assemblyai.com/v1", "wss://tts.us.assemblyai.com"),
        ("eu", "https://llm-gateway.eu.assemblyai.com/v1", "wss://tts.eu.assemblyai.com"),
    ],
)
def test_one_key_and_one_region_hold_for_all_of_assemblyai(
    read: Load, keys_of_a_worker: dict[str, str], region: str, gateway: str, voice: str
) -> None:
    loaded = read(environ=keys_of_a_worker, overrides={**GATEWAY, **VOICE, "stt.region": region})
    settings = loaded.settings
    assert settings.llm.api_key == settings.tts.api_key == settings.stt.api_key
    assert (settings.llm.model, settings.llm.base_url) == (GATEWAY_MODEL, gateway)
    assert (settings.tts.model, settings.tts.voice, settings.tts.base_url) == (
        ASSEMBLYAI_MODEL,
        ASSEMBLYAI_VOICE,
        voice,
    )
    assert loaded.source_of("llm.base_url") == f"region {region}"
    child = load(environ={**keys_of_a_worker, **loaded.environment()}, files=False)
    assert child.settings.llm == settings.llm
    assert child.settings.tts == settings.tts


def test_openai_s_address_and_key_are_for_openai_alone(read: Load, keys_of_a_worker: dict[str, str]) -> None:
    environ = {**keys_of_a_worker, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    settings = read(environ=environ, overrides=GATEWAY).settings
    assert settings.llm.base_url == "https://llm-gateway.assemblyai.com/v1"
    assert settings.llm.api_key == settings.stt.api_key
    assert settings.tts.base_url == "http://127.0.0.1:9/v1"
    assert settings.tts.api_key is not None and settings.tts.api_key.get_secret_value() == "key-of-openai"


def test_a_key_of_its_own_in_dotenv_is_not_hidden_by_openai_s_in_the_environment(read: Load) -> None:
    loaded = read(environ={"OPENAI_API_KEY": "openai"}, dotenv="VERBATIM_LLM__API_KEY=own\n", overrides=GATEWAY)
    assert loaded.settings.llm.api_key is not None
    assert loaded.settings.llm.api_key.get_secret_value() == "own"


def test_without_openai_no_key_of_openai_is_needed(read: Load, keys_of_a_worker: dict[str, str]) -> None:
    del keys_of_a_worker["OPENAI_API_KEY"]
    read(command="start", environ=keys_of_a_worker, overrides={**GATEWAY, **VOICE})


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            {**GATEWAY, "llm.model": "claude-sonnet-4"},
            "llm.model claude-sonnet-4 is no name of AssemblyAI's gateway, which takes whole versions such as "
            "claude-sonnet-4-6; write one from its list.",
        ),
        (
            {**GATEWAY, "llm.model": "gpt-5.2", "stt.region": "eu"},
            "llm.model gpt-5.2 does not run in the EU, and stt.region is eu; choose a Claude or Gemini model, or "
            "another region.",
        ),
        (
            {**GATEWAY, "llm.base_url": "https://llm-gateway.eu.assemblyai.com/v1"},
            "stt.region is edge, and llm.base_url is an address of another region; remove llm.base_url, or set "
            "stt.region to the same.",
        ),
        (
            {**GATEWAY, "llm.base_url": "https://api.openai.com/v1"},
            "llm.base_url is OpenAI's and llm.provider is not; remove one of them.",
        ),
        (
            {**VOICE, "tts.base_url": "https://127.0.0.1:1"},
            "tts.base_url must begin with wss:// or ws:// when tts.provider is assemblyai; correct it.",
        ),
        (
            {"tts.base_url": "wss://127.0.0.1:1"},
            "tts.base_url must begin with https:// or http:// when tts.provider is openai; correct it.",
        ),
        (
            {**GATEWAY, "stt.region": "eu", "llm.fallback_models": "gpt-5.2"},
            "llm.fallback_models gpt-5.2 does not run in the EU, and stt.region is eu; choose a Claude or Gemini "
            "model, or another region.",
        ),
        (
            {**GATEWAY, "llm.fallback_models": "gpt-4o-mini", "llm.fallback_base_url": "https://api.openai.com/v1"},
            "llm.fallback_base_url is given without llm.fallback_api_key, so that AssemblyAI's key would go there; set "
            "that too.",
        ),
        (
            {**VOICE, "tts.fallback_models": "m", "tts.fallback_base_url": "https://api.openai.com/v1"},
            "tts.fallback_base_url is given without tts.fallback_api_key, so that AssemblyAI's key would go there; set "
            "that too.",
        ),
        ({**VOICE, "tts.speed": "1.2"}, "tts.speed is not used when tts.provider is assemblyai; remove it."),
        (
            {**GATEWAY, "llm.plugin": "vendor.model:LLM"},
            "llm.provider is not used when llm.plugin is set; move it to llm.options, under the name that the plugin "
            "gives it.",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(refuse: Refuse, overrides: dict[str, str], sentence: str) -> None:
    assert refuse(overrides=overrides) == (sentence,)


@pytest.mark.parametrize(
    "model", ["claude-sonnet-4-6", "claude-sonnet-4-20250514", "gpt-5.2", "kimi-k2.5", "claude-opus-5"]
)
def test_names_of_the_gateway_are_accepted(read: Load, model: str) -> None:
    read(overrides={**GATEWAY, "llm.model": model})
