"""Our own lines are there before anybody needs them."""

import asyncio
import logging
from pathlib import Path

import pytest
from livekit.agents import APIConnectionError

from config import Settings
from config.spoken_lines import LINES, NAMES, lines_in
from tests.speech.scripted_tts import AUDIO, RATE, ScriptedTTS
from worker.speech import spoken_lines
from worker.speech.spoken_lines import DIRECTORY, SpokenLines, keep_prepared

ENGLISH = lines_in("en", {})


@pytest.mark.parametrize("language", LINES)
def test_every_language_has_every_line(language: str) -> None:
    assert tuple(LINES[language]) == NAMES
    assert all(LINES[language].values())


def test_an_operator_s_own_line_comes_before_ours() -> None:
    assert lines_in("pt", {"failed": "Até logo."}) == {**LINES["pt"], "failed": "Até logo."}


def test_a_language_without_lines_needs_all_of_the_operator_s() -> None:
    with pytest.raises(KeyError):
        lines_in("sv", {"failed": "Hej då."})
    own: dict[str, str] = dict.fromkeys(NAMES, "Hej.")
    assert lines_in("sv", own) == own


async def test_a_line_is_made_once_and_read_again(tmp_path: Path) -> None:
    voice = ScriptedTTS()
    lines = SpokenLines(tmp_path / "spoken", "ash", ENGLISH)
    assert await lines.audio("failed") is None
    await lines.prepare(voice)
    await SpokenLines(tmp_path / "spoken", "ash", ENGLISH).prepare(voice)
    assert sorted(voice.spoken) == sorted(ENGLISH.values())
    audio = await lines.audio("failed")
    assert audio is not None
    assert (bytes(audio.data), audio.sample_rate, audio.num_channels) == (AUDIO, RATE, 1)
    assert not list((tmp_path / "spoken").glob("*.part"))


async def test_another_voice_or_text_is_another_file(tmp_path: Path) -> None:
    one = SpokenLines(tmp_path, "ash", ENGLISH)
    assert one.path("failed") != SpokenLines(tmp_path, "ballad", ENGLISH).path("failed")
    assert one.path("failed") != SpokenLines(tmp_path, "ash", {**ENGLISH, "failed": "Bye."}).path("failed")
    assert one.path("failed") != one.path("trouble")


async def test_a_voice_that_fails_leaves_what_is_made_and_the_rest_for_the_next_time(tmp_path: Path) -> None:
    voice = ScriptedTTS(None, APIConnectionError("no", retryable=False))
    lines = SpokenLines(tmp_path / "spoken", "ash", ENGLISH)
    with pytest.raises(APIConnectionError):
        await lines.prepare(voice)
    assert len(lines.missing()) == len(NAMES) - 1
    await lines.prepare(voice)
    assert lines.missing() == []


async def test_a_file_that_is_damaged_is_no_line(tmp_path: Path) -> None:
    lines = SpokenLines(tmp_path, "ash", ENGLISH)
    lines.path("failed").write_bytes(b"RIFF")
    assert await lines.audio("failed") is None


async def test_the_worker_tries_until_all_lines_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    voices = [ScriptedTTS(APIConnectionError("no", retryable=False)), ScriptedTTS()]
    closed = list(voices)
    monkeypatch.setattr(spoken_lines, "build_tts", lambda _: voices.pop(0))
    monkeypatch.setattr(spoken_lines, "PAUSE_SECONDS", 0.0)
    storage = Settings().storage.model_copy(update={"journal_dir": tmp_path})
    settings = Settings().model_copy(update={"storage": storage})
    async with asyncio.timeout(10):
        await keep_prepared(settings)
    assert SpokenLines.of(settings).missing() == []
    assert len(list((tmp_path / DIRECTORY).iterdir())) == len(NAMES)
    assert "not made yet" in caplog.text
    assert all(voice.closed for voice in closed)


def test_the_key_is_no_part_of_a_voice_and_the_rest_is() -> None:
    settings = Settings.model_validate({"tts": {"api_key": "one"}})
    other = Settings.model_validate({"tts": {"api_key": "two"}})
    louder = Settings.model_validate({"tts": {"voice": "ballad"}})
    assert SpokenLines.of(settings).path("failed") == SpokenLines.of(other).path("failed")
    assert SpokenLines.of(settings).path("failed") != SpokenLines.of(louder).path("failed")
