"""The speech engine: recognises what is said. It never sees what the caller means to say."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pocketsphinx import Vad

from standins.assemblyai.audio import BYTES_PER_MS, SAMPLE_RATE, loudness
from standins.assemblyai.gate import Closed, Gate, Going, Opened
from standins.assemblyai.language_model import read_phrases
from standins.assemblyai.recogniser_pool import RecogniserPool, RecogniserProcess
from standins.assemblyai.turns import Delays
from standins.assemblyai.wording import RuleWording
from standins.assemblyai.words import Observation, SpeechBegan, SpeechPaused, TimePassed, Word, WordsHeard

# The longest frame that the voice activity detector (WebRTC's, in pocketsphinx) takes.
FRAME_MS = 30
FRAME_BYTES = FRAME_MS * BYTES_PER_MS
# It calls faint noise a voice; a voice has at least this root mean square, of 32767.
VOICE_LOUDNESS = 60.0
# A recogniser needs some audio before the first word.
PREROLL_MS = 420
PARTIAL_EVERY_MS = 200


class SpeechEngine:
    """Makes the ears of the speech engine.

    Args:
        phrases: The phrase file of the domain.
        delays: How fast the service is.
        recognisers: How many recogniser processes are kept ready.
    """

    name = "speech"

    def __init__(self, phrases: Path, delays: Delays, recognisers: int) -> None:
        self.delays = delays
        self._wording = RuleWording(read_phrases(phrases))
        self._pool = RecogniserPool(phrases, recognisers)

    async def start(self) -> None:
        """Loads the recognisers."""
        await self._pool.start()

    async def open(self) -> "SpeechEar":
        """An ear with a recogniser of its own."""
        return SpeechEar(self._pool, await self._pool.take(), self._wording, self.delays.pause_ms)

    async def close(self) -> None:
        """Ends the recognisers."""
        await self._pool.close()


class SpeechEar:
    """Voice activity, and the recogniser on what it lets through."""

    def __init__(
        self, pool: RecogniserPool, recogniser: RecogniserProcess, wording: RuleWording, pause_ms: int
    ) -> None:
        self.wording = wording
        self._pool = pool
        self._recogniser = recogniser
        self._vad = Vad(mode=Vad.STRICT, sample_rate=SAMPLE_RATE, frame_length=FRAME_MS / 1000)
        self._gate = Gate(frame_ms=FRAME_MS, pause_ms=pause_ms, preroll_ms=PREROLL_MS)
        self._rest = b""
        self._unfed = b""
        self._start_ms = 0
        self._next_partial_ms = 0

    async def hear(self, pcm: bytes) -> list[Observation]:
        """Takes the next audio."""
        self._rest += pcm
        heard: list[Observation] = []
        for place, level in enumerate(loudness(self._rest, FRAME_MS)):
            frame = self._rest[place * FRAME_BYTES : (place + 1) * FRAME_BYTES]
            heard += await self._frame(frame, voiced=level > VOICE_LOUDNESS and self._vad.is_speech(frame))
        self._rest = self._rest[len(self._rest) // FRAME_BYTES * FRAME_BYTES :]
        await self._feed()
        if self._gate.is_open and self._gate.now_ms >= self._next_partial_ms:
            self._next_partial_ms = self._gate.now_ms + PARTIAL_EVERY_MS
            heard.append(WordsHeard(self._gate.now_ms, self._placed(await self._recogniser.so_far())))
        return heard

    async def settle(self) -> list[Observation]:
        """Ends the stretch that is going on."""
        if not self._gate.is_open:
            return []
        self._gate.close()
        return [await self._pause(self._gate.last_voice_ms)]

    def turn_ended(self) -> None:
        """Turns mean nothing to a recogniser."""

    async def close(self) -> None:
        """Gives the recogniser back."""
        await self._pool.give_back(self._recogniser)

    async def _frame(self, frame: bytes, *, voiced: bool) -> list[Observation]:
        heard: list[Observation] = []
        match self._gate.push(frame, voiced=voiced):
            case Opened(onset_ms=onset_ms, audio=audio, audio_start_ms=start_ms):
                self._unfed, self._start_ms = audio, start_ms
                self._next_partial_ms = self._gate.now_ms + PARTIAL_EVERY_MS
                heard.append(SpeechBegan(self._gate.now_ms, onset_ms))
            case Going(audio=audio):
                self._unfed += audio
            case Closed(audio=audio, last_voice_ms=last_voice_ms):
                self._unfed += audio
                heard.append(await self._pause(last_voice_ms))
        heard.append(TimePassed(self._gate.now_ms))
        return heard

    async def _pause(self, last_voice_ms: int) -> SpeechPaused:
        await self._feed()
        words = self._placed(await self._recogniser.finish())
        return SpeechPaused(self._gate.now_ms, last_voice_ms, words)

    async def _feed(self) -> None:
        if self._unfed:
            await self._recogniser.feed(self._unfed)
            self._unfed = b""

    def _placed(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The words at their places in the stream; none ends after the last voiced sample."""
        last_ms = self._gate.last_voice_ms
        return tuple(
            replace(
                word,
                start_ms=min(self._start_ms + word.start_ms, last_ms - 1),
                end_ms=min(self._start_ms + word.end_ms, last_ms),
            )
            for word in words
        )
