"""Our own lines as audio, made before anybody needs them: they can be said when the voice is what fails.

The worker synthesises each line once and keeps it beside the journals, named after its text and voice; every call
reads it from there.
"""

import asyncio
import hashlib
import json
import logging
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from livekit import rtc
from livekit.agents import APIConnectOptions, tts, utils

from config import Settings
from config.spoken_lines import Line, lines_in
from worker.speech.providers import build_tts

logger = logging.getLogger("verbatim.speech")

DIRECTORY: Final = "spoken"
"""Under `storage.journal_dir`; a name without a dash, so that it is no session's."""

SYNTHESIS_SECONDS: Final = 20.0
"""How long one line may take to be made."""

PAUSE_SECONDS: Final = 60.0
"""Between two attempts to make the lines that are missing."""

READ_SECONDS: Final = 1.0
"""How long a disk may take for a line, while a caller waits for it."""

SAMPLE_BYTES: Final = 2


class SpokenLines:
    """The lines of one voice and language.

    Args:
        directory: where they are kept.
        voice: tells voices apart; never shown.
        texts: text by the line's name.
    """

    def __init__(self, directory: Path, voice: str, texts: Mapping[Line, str]) -> None:
        self._directory = directory
        self._voice = voice
        self.texts = texts

    @classmethod
    def of(cls, settings: Settings) -> "SpokenLines":
        """Return the lines that the settings ask for."""
        told = settings.tts.model_dump(mode="python", exclude={"api_key"})
        voice = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
        texts = lines_in(settings.agent.language, settings.agent.spoken_lines)
        return cls(settings.storage.journal_dir / DIRECTORY, voice, texts)

    def path(self, line: Line) -> Path:
        """Return the file of a line, a WAV file that people can listen to."""
        named = hashlib.sha256(f"{self._voice}\n{self.texts[line]}".encode()).hexdigest()[:32]
        return self._directory / f"{named}.wav"

    def missing(self) -> list[Line]:
        """Return the lines that are not made yet. Blocks."""
        return [line for line in self.texts if not self.path(line).is_file()]

    async def prepare(self, voice: tts.TTS[Any]) -> None:
        """Make what is missing.

        Raises:
            Exception: whatever the voice or the disk raises; what is made stays.
        """
        for line in await asyncio.to_thread(self.missing):
            if await asyncio.to_thread(self.path(line).is_file):
                continue  # another worker of this machine was quicker
            async with (
                asyncio.timeout(SYNTHESIS_SECONDS),
                voice.synthesize(self.texts[line], conn_options=APIConnectOptions(max_retry=0)) as stream,
            ):
                frame = await stream.collect()
            await asyncio.to_thread(_write, self.path(line), frame)

    async def audio(self, line: Line) -> rtc.AudioFrame | None:
        """Return a line as audio, or `None` where it was not made or cannot be read."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await asyncio.to_thread(_read, self.path(line))
        except (OSError, EOFError, wave.Error, TimeoutError):
            return None


async def keep_prepared(settings: Settings) -> None:
    """Make the lines that are missing, again and again until all are there; never raises."""
    lines = SpokenLines.of(settings)
    while True:
        try:
            if await asyncio.to_thread(lines.missing):
                async with utils.http_context.open():
                    voice = build_tts(settings)
                    try:
                        await lines.prepare(voice)
                    finally:
                        await voice.aclose()
            logger.info("the lines for trouble are made", extra={"lines": len(lines.texts)})
            return
        except Exception as error:
            logger.warning(
                "the lines that callers hear in trouble are not made yet (%s): tried again in %.0f s",
                type(error).__name__,
                PAUSE_SECONDS,
            )
        await asyncio.sleep(PAUSE_SECONDS)


def _write(path: Path, frame: rtc.AudioFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    whole = path.with_name(f"{path.stem}.{uuid4().hex}.part")
    try:
        with wave.open(str(whole), "wb") as file:
            file.setnchannels(frame.num_channels)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(frame.sample_rate)
            file.writeframes(bytes(frame.data))
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)


def _read(path: Path) -> rtc.AudioFrame:
    with wave.open(str(path), "rb") as file:
        data = file.readframes(file.getnframes())
        channels = file.getnchannels()
        samples = len(data) // (SAMPLE_BYTES * channels)
        return rtc.AudioFrame(data, file.getframerate(), channels, samples)
