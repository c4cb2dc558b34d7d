"""What nothing sets follows from what is set, and says from what."""

import pytest

from config import Loaded, load
from tests.config.conftest import Load


def turns(loaded: Loaded) -> tuple[int, int, float]:
    settings = loaded.settings
    return settings.turns.min_turn_silence, settings.turns.max_turn_silence, settings.stt.end_of_turn_confidence


@pytest.mark.parametrize(
    ("model", "preset", "expected"),
    [
        ("universal-streaming-english", "aggressive", (160, 400, 0.4)),
        ("universal-streaming-english", "balanced", (400, 1280, 0.4)),
        ("universal-streaming-english", "conservative", (800, 3600, 0.7)),
        ("universal-3-5-pro", "fast", (100, 1000, 0.4)),
        ("universal-3-5-pro", "min_latency", (128, 1536, 0.4)),
        ("universal-3-5-pro", "balanced", (128, 1536, 0.4)),
        ("universal-3-5-pro", "max_accuracy", (800, 1536, 0.4)),
    ],
)
def test_a_preset_sets_both_silences_and_the_confidence(
    read: Load, model: str, preset: str, expected: tuple[int, int, float]
) -> None:
    loaded = read(overrides={"stt.model": model, "turns.preset": preset})
    assert turns(loaded) == expected


def test_what_is_set_explicitly_wins_over_the_preset_and_the_rest_follows(read: Load) -> None:
    loaded = read(
        overrides={"stt.model": "universal-streaming-english", "turns.preset": "conservative"},
        yaml="turns:\n  min_turn_silence: 250\n",
    )
    assert turns(loaded) == (250, 3600, 0.7)
    assert loaded.source_of("turns.min_turn_silence") == "verbatim.yaml line 2"
    assert loaded.source_of("turns.max_turn_silence") == "preset conservative"


def test_without_a_preset_the_model_has_its_usual_one(read: Load) -> None:
    assert read().settings.turns.preset == "fast"
    loaded = read(overrides={"stt.model": "universal-streaming-multilingual"})
    assert (loaded.settings.turns.preset, turns(loaded)) == ("balanced", (400, 1280, 0.4))
    assert loaded.source_of("turns.preset") == "model universal-streaming-multilingual"


@pytest.mark.parametrize("yes", ["true", "yes", "1"])
def test_people_at_one_microphone_are_given_longer_pieces(read: Load, yes: str) -> None:
    loaded = read(overrides={"stt.speaker_labels": yes})
    assert (loaded.settings.turns.preset, turns(loaded)) == ("speakers", (640, 768, 0.4))


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("edge", "wss://streaming.assemblyai.com"),
        ("us", "wss://streaming.us.assemblyai.com"),
        ("eu", "wss://streaming.eu.assemblyai.com"),
    ],
)
def test_the_region_has_its_address(read: Load, region: str, url: str) -> None:
    assert read(overrides={"stt.region": region}).settings.stt.base_url == url


def test_a_job_has_what_followed_for_its_worker(read: Load, keys_of_a_worker: dict[str, str]) -> None:
    parent = read(environ=keys_of_a_worker, overrides={"stt.model": "universal-streaming-english", "stt.region": "eu"})
    child = load(environ=parent.environment(), files=False)
    assert turns(child) == turns(parent) == (400, 1280, 0.4)
    assert child.settings.stt.base_url == "wss://streaming.eu.assemblyai.com"
