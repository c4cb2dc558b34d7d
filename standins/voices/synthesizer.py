"""Text to speech for the stand-ins: picks the engine, converts the rate, remembers what it said."""

import asyncio
from collections import OrderedDict

from standins.voices import espeak, flite
from standins.voices.program import ProgramError
from standins.voices.resample import resample

ENGINES = ("flite", "espeak")
REMEMBERED = 512  # texts; a load test says the same few over and over


class VoiceError(RuntimeError):
    """No engine is installed, or the engine cannot speak the text with that voice."""


class Synthesizer:
    """Speaks texts, byte for byte the same each time.

    Args:
        engine: "flite" or "espeak"; None takes flite if it is installed, else espeak-ng.

    Raises:
        VoiceError: If the engine is unknown or not installed.
    """

    def __init__(self, engine: str | None = None) -> None:
        if engine is None:
            engine = "flite" if flite.is_installed() else "espeak"
        if engine not in ENGINES:
            raise VoiceError(f"Unknown voice engine {engine!r}: use one of {', '.join(ENGINES)}.")
        if not (flite.is_installed() if engine == "flite" else espeak.is_installed()):
            raise VoiceError(f"The voice engine {engine} is not installed: install flite, or the extra `demo`.")
        self.engine = engine
        self._flite_voices: frozenset[str] | None = None
        self._said: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()

    async def speak(self, text: str, voice: str, sample_rate: int) -> bytes:
        """Speaks a text.

        Args:
            text: What to say. Without a letter or digit it is silence of no length.
            voice: An OpenAI voice name ("ash") or one of flite's ("slt"); espeak-ng has one voice for all.
            sample_rate: The wanted rate in Hz.

        Returns:
            Signed 16-bit little-endian mono samples, with the silence that the engine puts around them.

        Raises:
            VoiceError: If the engine fails, or flite was built without the voice.
        """
        if not any(character.isalnum() for character in text):
            return b""
        key = (text, voice, sample_rate)
        if key in self._said:
            self._said.move_to_end(key)
            return self._said[key]
        try:
            pcm, rate = await self._synthesize(text, voice)
        except ProgramError as error:
            raise VoiceError(str(error)) from None
        self._said[key] = await asyncio.to_thread(resample, pcm, rate, sample_rate)
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        return self._said[key]

    async def _synthesize(self, text: str, voice: str) -> tuple[bytes, int]:
        if self.engine == "espeak":
            return await espeak.synthesize(text), espeak.SAMPLE_RATE
        if self._flite_voices is None:
            self._flite_voices = await flite.installed_voices()
        name = flite.voice_for(voice, self._flite_voices)
        return await flite.synthesize(text, name), flite.SAMPLE_RATE
