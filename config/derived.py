"""Values that follow from others where nothing sets them: a preset's silences, a region's addresses."""

from collections.abc import Iterator, Mapping

from config.regions import STREAMING
from config.sections.stt import family_of
from config.settings import KEYS
from config.sources.layer import Layer, Value
from config.turn_presets import PRESETS, USUAL, USUAL_WITH_SPEAKERS

YES = ("true", "1", "yes", "on", "y", "t")
"""Texts that pydantic reads as true."""


def derived(given: Mapping[str, Value]) -> Layer:
    """Return the values that follow from `given`, each with what it follows from as its origin.

    Args:
        given: What the sources set, not validated; what makes no sense has no consequences.
    """
    values: dict[str, Value] = {}
    for key, value in _consequences(given):
        if key not in given and value.content != KEYS[key].default:
            values[key] = value
    return Layer(values)


def _consequences(given: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    yield from _turns(given)
    region = _text(given, "stt.region")
    if region in STREAMING:
        yield "stt.base_url", Value(STREAMING[region], f"region {region}")


def _turns(given: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    model = _text(given, "stt.model")
    family = family_of(model)
    usual, why = USUAL[family], f"model {model}"
    if family == "universal-3" and _text(given, "stt.speaker_labels").lower() in YES:
        usual, why = USUAL_WITH_SPEAKERS, "speaker labels"
    yield "turns.preset", Value(usual, why)
    name = _text(given, "turns.preset") if "turns.preset" in given else usual
    if (preset := PRESETS[family].get(name)) is None:
        return
    origin = f"preset {name}"
    yield "turns.min_turn_silence", Value(preset.min_turn_silence, origin)
    yield "turns.max_turn_silence", Value(preset.max_turn_silence, origin)
    yield "stt.end_of_turn_confidence", Value(preset.end_of_turn_confidence, origin)


def _text(given: Mapping[str, Value], key: str) -> str:
    """Return a key's value as it would stand in the environment, its default where it is not given."""
    content = given[key].content if key in given and given[key].content != "" else KEYS[key].default
    return str(content).strip()
