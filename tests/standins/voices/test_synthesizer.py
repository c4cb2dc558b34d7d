"""The voices say the same text the same way, each time and on every engine."""

import pytest

from standins.voices import Synthesizer, VoiceError, flite
from standins.voices.program import ProgramError

ENGINES = [
    pytest.param("flite", marks=pytest.mark.needs("flite")),
    pytest.param("espeak", marks=pytest.mark.needs("speech")),
]


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_text_sounds_the_same_whatever_was_said_before(engine: str) -> None:
    first = await Synthesizer(engine).speak("Where is my order?", "ash", 16000)
    later = Synthesizer(engine)
    await later.speak("Something else first.", "ash", 16000)
    assert await later.speak("Where is my order?", "ash", 16000) == first
    assert len(first) > 16000


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_rate_changes_the_samples_and_not_the_duration(engine: str) -> None:
    synthesizer = Synthesizer(engine)
    low = await synthesizer.speak("Where is my order?", "ash", 16000)
    high = await synthesizer.speak("Where is my order?", "ash", 24000)
    assert len(high) / 24000 == pytest.approx(len(low) / 16000, abs=0.001)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", ["", "  ", "...", "—"])
async def test_a_text_without_words_is_no_audio(engine: str, text: str) -> None:
    assert await Synthesizer(engine).speak(text, "ash", 16000) == b""


@pytest.mark.parametrize("engine", ENGINES)
async def test_accents_and_typographic_signs_are_spoken(engine: str) -> None:
    synthesizer = Synthesizer(engine)
    assert await synthesizer.speak("Café – it’s open…", "ash", 16000)  # noqa: RUF001


@pytest.mark.needs("flite")
async def test_the_agents_voice_is_not_the_callers() -> None:
    synthesizer = Synthesizer("flite")
    assert await synthesizer.speak("Hello.", "ash", 16000) != await synthesizer.speak("Hello.", "slt", 16000)


def test_openai_names_get_a_voice_and_flites_own_stand_for_themselves() -> None:
    installed = frozenset({"rms", "slt", "awb", "kal"})
    names = ["ash", "echo", "alloy", "nova", "fable", "marin", "kal"]
    assert [flite.voice_for(name, installed) for name in names] == [
        "rms", "rms", "slt", "slt", "awb", "rms", "kal",
    ]  # fmt: skip


def test_a_voice_that_flite_would_silently_replace_is_refused() -> None:
    with pytest.raises(ProgramError, match="no voice 'rms'"):
        flite.voice_for("ash", frozenset({"kal"}))


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(VoiceError, match="Unknown voice engine 'parrot'"):
        Synthesizer("parrot")
