"""The cost is told before anything is sent, and how it is computed."""

import pytest

from config import Settings
from config.sections.llm import LlmSettings
from config.sections.stt import SttSettings
from config.sections.tts import TtsSettings
from tests.contract.services import UNIVERSAL_3
from tests.live.cost import cost, lines
from tests.live.prices import PRICES
from tests.live.vendors import missing_keys, vendors

DEFAULTS = vendors(Settings())


def test_every_model_that_is_used_has_its_amounts_its_price_and_the_price_s_date() -> None:
    told = lines(cost(DEFAULTS))
    assert [line.partition(":")[0] for line in told[:-1]] == [
        "universal-3-5-pro",
        "universal-streaming-english",
        "gpt-4o-mini",
        "gpt-4o-mini-tts",
    ]
    assert "s of session at 0.45 an hour = US$ 0.00" in told[0]
    assert all("list price of" in line and "check" in line for line in told[:-1])


def test_the_sum_is_that_of_the_parts_and_no_more_than_a_few_cents() -> None:
    items = cost(DEFAULTS)
    total = sum(item.dollars or 0 for item in items)
    assert 0 < total < 0.05
    assert lines(items)[-1] == "Together about US$ 0.010."


def test_a_model_without_a_list_price_is_named_and_the_sum_says_so() -> None:
    told = lines(cost(vendors(Settings(llm=LlmSettings(model="llama-4-70b")))))
    assert told[2] == (
        "llama-4-70b: 140 tokens sent + 120 tokens answered (no list price is known here; see the provider's own page)"
    )
    assert told[-1].endswith(" and what has no price here.")


def test_the_model_of_the_settings_is_the_one_that_is_tried_and_paid() -> None:
    services = vendors(Settings(stt=SttSettings(model="universal-3-6-pro")))
    assert services.streaming.models[UNIVERSAL_3] == "universal-3-6-pro"
    assert cost(services)[0].model == "universal-3-6-pro"


def test_the_models_of_the_defaults_have_a_price() -> None:
    settings = Settings()
    assert {settings.stt.model, settings.llm.model, settings.tts.model} <= PRICES.keys()


def test_each_missing_key_is_one_sentence_with_its_remedy() -> None:
    assert missing_keys(Settings()) == [
        "ASSEMBLYAI_API_KEY is not set; put the API key of your AssemblyAI account into .env or the environment.",
        "OPENAI_API_KEY is not set; put the API key of your OpenAI account into .env or the environment.",
    ]


def test_a_plugin_needs_no_key_costs_nothing_here_and_is_not_tried() -> None:
    settings = Settings(
        stt=SttSettings(api_key="one"),
        llm=LlmSettings(plugin="livekit.plugins.anthropic:LLM"),
        tts=TtsSettings(plugin="livekit.plugins.cartesia:TTS"),
    )
    services = vendors(settings)
    assert missing_keys(settings) == []
    assert (services.chat, services.speech) == (None, None)
    assert len(cost(services)) == 2


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("wss://streaming.eu.assemblyai.com", "AssemblyAI"),
        ("ws://127.0.0.1:4000", "127.0.0.1:4000"),
        ("wss://notassemblyai.com", "notassemblyai.com"),
    ],
)
def test_a_service_is_called_by_its_vendor_only_if_it_is_the_vendor_s(base_url: str, name: str) -> None:
    assert vendors(Settings(stt=SttSettings(base_url=base_url))).streaming.name == name


def test_no_key_is_shown_with_a_service() -> None:
    settings = Settings(
        stt=SttSettings(api_key="zqxj"), llm=LlmSettings(api_key="zqxj"), tts=TtsSettings(api_key="zqxj")
    )
    assert "zqxj" not in repr(vendors(settings))
