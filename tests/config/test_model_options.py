"""An option that a model does not have stops the start, with one sentence."""

import pytest

from config.model_options import UNIVERSAL_3_ONLY
from config.turn_presets import PRESETS
from tests.config.conftest import Load, Refuse

VALUES = {
    "stt.language_codes": "en,es",
    "stt.prompt": "Calls of a pharmacy.",
    "stt.continuous_partials": "false",
    "stt.interruption_delay": "0",
    "stt.voice_focus": "near-field",
    "stt.previous_context_turns": "0",
    "stt.forward_chat_context": "true",
}
UNIVERSAL_3 = ["universal-3-5-pro", "universal-3-6-pro", "u3-rt-pro", "u3-rt-pro-beta-1"]
UNIVERSAL_STREAMING = ["universal-streaming-english", "universal-streaming-multilingual"]


@pytest.mark.parametrize("key", UNIVERSAL_3_ONLY)
@pytest.mark.parametrize("model", UNIVERSAL_STREAMING)
def test_universal_streaming_is_not_asked_for_what_it_does_not_have(refuse: Refuse, key: str, model: str) -> None:
    assert refuse(overrides={key: VALUES[key], "stt.model": model}) == (
        f"{key} works with Universal-3 models only, and stt.model is {model}; remove it, or choose universal-3-5-pro.",
    )


@pytest.mark.parametrize("model", UNIVERSAL_3)
def test_every_model_of_universal_3_takes_all_of_them(read: Load, model: str) -> None:
    read(overrides={**VALUES, "stt.model": model})


@pytest.mark.parametrize(
    ("family", "model"),
    [
        *(("universal-3", model) for model in UNIVERSAL_3),
        *(("universal-streaming", model) for model in UNIVERSAL_STREAMING),
    ],
)
def test_a_preset_belongs_to_its_family(read: Load, refuse: Refuse, family: str, model: str) -> None:
    own = PRESETS[family]  # type: ignore[index]
    for name in own:
        read(overrides={"turns.preset": name, "stt.model": model})
    for name in {name for names in PRESETS.values() for name in names} - set(own):
        assert refuse(overrides={"turns.preset": name, "stt.model": model}) == (
            f"turns.preset {name} is none for stt.model {model}; choose one of {', '.join(own)}.",
        )


CONTRADICTIONS = [
    (
        {"stt.max_speakers": "2"},
        "stt.max_speakers is given without stt.speaker_labels, to which it belongs; set that too or remove it.",
    ),
    (
        {"stt.voice_focus_threshold": "0.7"},
        "stt.voice_focus_threshold is given without stt.voice_focus, to which it belongs; set that too or remove it.",
    ),
    (
        {"turns.preset": "min_latency", "stt.speaker_labels": "true"},
        "turns.preset min_latency is a mode that AssemblyAI replaces by another where stt.speaker_labels is set; "
        "remove one of them, or choose turns.preset speakers or fast.",
    ),
    (
        {"agent.language": "es", "stt.language_codes": "en,de"},
        "agent.language is es, which stt.language_codes leaves out; add it there, or remove them.",
    ),
    (
        {"agent.language": "ja", "stt.model": "universal-streaming-multilingual"},
        "agent.language is ja, which universal-streaming-multilingual does not know; choose universal-3-5-pro as "
        "stt.model.",
    ),
    (
        {"agent.language": "es", "stt.model": "universal-streaming-english"},
        "agent.language is es, which universal-streaming-english does not know; choose universal-3-5-pro as stt.model.",
    ),
    (
        {"agent.language": "ja", "stt.domain": "medical-v1"},
        "stt.domain medical-v1 knows the languages de, en, es, fr and not ja; remove one or the other.",
    ),
    (
        {"stt.language_codes": "en,it", "stt.domain": "medical-v1"},
        "stt.domain medical-v1 knows the languages de, en, es, fr and not it; remove one or the other.",
    ),
    (
        {"stt.region": "eu", "stt.base_url": "wss://streaming.us.assemblyai.com"},
        "stt.region is eu, and stt.base_url is an address of another region; remove stt.base_url.",
    ),
    (
        {"turns.dictation_min_turn_silence": "4000"},
        "turns.dictation_min_turn_silence (4000 ms) is longer than turns.dictation_max_turn_silence (3000 ms); lower "
        "the first or raise the second.",
    ),
]


@pytest.mark.parametrize(("overrides", "sentence"), CONTRADICTIONS)
def test_options_that_contradict_each_other_are_refused(
    refuse: Refuse, overrides: dict[str, str], sentence: str
) -> None:
    assert refuse(overrides=overrides) == (sentence,)


@pytest.mark.parametrize(
    "overrides",
    [
        {"stt.max_speakers": "2", "stt.speaker_labels": "true"},
        {"agent.language": "es", "stt.language_codes": "en,es"},
        {"agent.language": "ar"},
        {"agent.language": "it", "stt.model": "universal-streaming-multilingual"},
        {"agent.language": "es", "stt.domain": "medical-v1"},
        {"stt.region": "eu", "stt.base_url": "ws://127.0.0.1:1"},
        {"stt.base_url": "wss://streaming.us.assemblyai.com"},
    ],
)
def test_options_that_go_together_are_accepted(read: Load, overrides: dict[str, str]) -> None:
    read(overrides=overrides)


@pytest.mark.parametrize("language", ["english", "xx", "e", "en-US"])
def test_a_language_that_is_no_code_is_refused(refuse: Refuse, language: str) -> None:
    assert refuse(overrides={"agent.language": language}) == (
        "agent.language must be an ISO 639-1 code such as en, es or ja (command line).",
    )
