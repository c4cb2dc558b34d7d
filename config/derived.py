"""Values that follow from others where nothing sets them: a preset's silences, a region's addresses."""

from collections.abc import Iterator, Mapping, Sequence

from config.regions import GATEWAY, STREAMING, SYNTHESIS
from config.sections.llm import GATEWAY_MODEL
from config.sections.stt import family_of
from config.sections.tts import ASSEMBLYAI_MODEL, ASSEMBLYAI_VOICE
from config.settings import KEYS
from config.sources.layer import Layer, Value
from config.turn_presets import PRESETS, USUAL, USUAL_WITH_SPEAKERS

YES = ("true", "1", "yes", "on", "y", "t")
"""Texts that pydantic reads as true."""


def without_openai(layers: Sequence[Layer], given: Mapping[str, Value]) -> list[Layer]:
    """Return the layers without OpenAI's key and address where another vendor takes its place.

    Args:
        layers: Every source.
        given: The strongest value of each key.
    """
    elsewhere = [section for section in ("llm", "tts") if _text(given, f"{section}.provider") != "openai"]

    def is_meant(key: str, value: Value) -> bool:
        return not (value.for_openai and key.partition(".")[0] in elsewhere)

    return [
        Layer({key: value for key, value in layer.values.items() if is_meant(key, value)}, layer.sentences)
        for layer in layers
    ]


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
    if region not in STREAMING:
        return
    yield "stt.base_url", Value(STREAMING[region], f"region {region}")
    if _text(given, "llm.provider") == "gateway" and "llm.plugin" not in given:
        yield "llm.model", Value(GATEWAY_MODEL, "provider gateway")
        yield "llm.base_url", Value(GATEWAY[region], f"region {region}")
        yield from _key_of_assemblyai("llm.api_key", given)
    if _text(given, "tts.provider") == "assemblyai" and "tts.plugin" not in given:
        yield "tts.model", Value(ASSEMBLYAI_MODEL, "provider assemblyai")
        yield "tts.voice", Value(ASSEMBLYAI_VOICE, "provider assemblyai")
        yield "tts.base_url", Value(SYNTHESIS[region], f"region {region}")
        yield from _key_of_assemblyai("tts.api_key", given)


def _key_of_assemblyai(key: str, given: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    if "stt.api_key" in given:
        yield key, given["stt.api_key"]


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
