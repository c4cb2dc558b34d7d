"""The light engine: hears only loudness; the words come from a list that the test gives.

Every stretch of speech takes the next text of the list, so that a caller who pauses is scripted as two
texts. Cheap enough for many connections in one process.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from standins.assemblyai.audio import BYTES_PER_MS, loudness
from standins.assemblyai.gate import Closed, Gate, Opened
from standins.assemblyai.turns import Delays
from standins.assemblyai.wording import GivenWording
from standins.assemblyai.words import Observation, SpeechBegan, SpeechPaused, TimePassed, Word, WordsHeard

FRAME_MS = 10
# Root mean square of a voice at least, of 32767.
VOICE_LOUDNESS = 200.0
# How often a new word appears while somebody speaks.
WORD_MS = 250
CONFIDENCE = 0.95


class Text(BaseModel):
    """What one stretch of speech says.

    Attributes:
        text: The words, formatted; a sentence end at their end lets the turn end early.
        draft: What partials say before the final, if otherwise.
    """

    model_config = ConfigDict(extra="forbid")

    text: str
    draft: str | None = None


TEXTS: TypeAdapter[list[Text]] = TypeAdapter(list[Text])


def read_texts(values: Any) -> list[Text]:
    """Texts from their JSON form, in which a plain string is a text without a draft.

    Raises:
        pydantic.ValidationError: If it is something else.
    """
    if isinstance(values, list):
        values = [{"text": value} if isinstance(value, str) else value for value in values]
    return TEXTS.validate_python(values)


class Script(BaseModel):
    """The texts of one connection, or of all that share it.

    Attributes:
        texts: In the order in which they are said.
        repeat: Whether to begin again after the last.
        scope: `next`: the next connection that is opened; `all`: all connections opened from now on draw
            from this one list, so that a caller who reconnects goes on where it stopped.
    """

    model_config = ConfigDict(extra="forbid")

    texts: list[Text]
    repeat: bool = False
    scope: str = Field(default="next", pattern="^(next|all)$")
    _waiting: deque[Text] = deque()

    def model_post_init(self, _: Any) -> None:
        """All texts wait to be taken."""
        self._waiting = deque(self.texts)

    def take(self) -> Text | None:
        """The next text, None when there is no more."""
        if not self._waiting and self.repeat:
            self._waiting.extend(self.texts)
        return self._waiting.popleft() if self._waiting else None

    def put_back(self, texts: Sequence[Text]) -> None:
        """Texts that were taken but never became part of a final: they are said again."""
        self._waiting.extendleft(reversed(texts))


class LightEngine:
    """Makes the ears of the light engine.

    Args:
        texts: What a connection says for which no script was given, from the beginning and repeated.
        delays: How fast the service is.
        gap_ms: A pause shorter than this is inside a text; after a longer one comes the next text.
    """

    name = "light"

    def __init__(self, texts: Sequence[Text], delays: Delays, gap_ms: int) -> None:
        self.delays = delays
        self._default = list(texts)
        self._gap_ms = gap_ms
        self._next: deque[Script] = deque()
        self._shared: Script | None = None

    async def start(self) -> None:
        """Nothing to prepare."""

    async def open(self) -> "LightEar":
        """An ear with its texts."""
        script = self._shared or Script(texts=self._default, repeat=True)
        if self._next:
            script = self._next.popleft()
        return LightEar(script, self.delays.pause_ms, self._gap_ms)

    async def close(self) -> None:
        """Nothing to let go of."""

    def add(self, script: Script) -> None:
        """Gives texts to connections that are opened from now on."""
        if script.scope == "all":
            self._shared = script
        else:
            self._next.append(script)

    def forget(self) -> None:
        """Drops all scripts; connections that are open keep theirs."""
        self._next.clear()
        self._shared = None


class LightEar:
    """Energy endpointing, and words that appear at a steady pace while there is a voice."""

    def __init__(self, script: Script, pause_ms: int, gap_ms: int) -> None:
        self.wording = GivenWording()
        self._script = script
        self._gate = Gate(frame_ms=FRAME_MS, pause_ms=pause_ms, preroll_ms=0)
        self._gap_ms = gap_ms
        self._rest = b""
        self._onset_ms = 0
        self._text: Text | None = None
        self._told = 0
        self._undelivered: list[Text] = []

    async def hear(self, pcm: bytes) -> list[Observation]:
        """Takes the next audio."""
        self._rest += pcm
        heard: list[Observation] = []
        levels = loudness(self._rest, FRAME_MS)
        self._rest = self._rest[len(levels) * FRAME_MS * BYTES_PER_MS :]
        for level in levels:
            before_ms = self._gate.last_voice_ms
            event = self._gate.push(b"", voiced=level > VOICE_LOUDNESS)
            if isinstance(event, Opened):
                self._begin(event.onset_ms, event.onset_ms - before_ms)
                heard.append(SpeechBegan(self._gate.now_ms, event.onset_ms))
            elif isinstance(event, Closed):
                heard.append(self._pause())
            elif event is not None:
                heard += self._more_words()
            heard.append(TimePassed(self._gate.now_ms))
        return heard

    async def settle(self) -> list[Observation]:
        """Ends the stretch that is going on: all its words are said."""
        if not self._gate.is_open:
            return []
        self._gate.close()
        return [self._pause()]

    def turn_ended(self) -> None:
        """The texts taken so far are delivered."""
        self._undelivered.clear()

    async def close(self) -> None:
        """What was not delivered waits for the next connection that shares the script."""
        self._script.put_back(self._undelivered)
        self._undelivered = []

    def _begin(self, onset_ms: int, gap_ms: int) -> None:
        self._onset_ms = onset_ms
        self._told = 0
        if self._undelivered and gap_ms < self._gap_ms:
            # Still the same text, all of whose words were settled at the pause.
            self._text = None
            return
        self._text = self._script.take()
        if self._text is not None:
            self._undelivered.append(self._text)

    def _more_words(self) -> list[Observation]:
        """One more word at a time; the newest may still change."""
        texts = self._shown().split()
        told = min(len(texts), (self._gate.now_ms - self._onset_ms) // WORD_MS)
        if told == self._told:
            return []
        self._told = told
        words = [
            Word(
                text,
                start_ms=self._onset_ms + place * WORD_MS,
                end_ms=min(self._onset_ms + (place + 1) * WORD_MS, self._gate.last_voice_ms),
                confidence=CONFIDENCE,
                settled=place < told - 1,
            )
            for place, text in enumerate(texts[:told])
        ]
        return [WordsHeard(self._gate.now_ms, tuple(words))]

    def _pause(self) -> SpeechPaused:
        text = self._text
        return SpeechPaused(
            at_ms=self._gate.now_ms,
            last_voice_ms=self._gate.last_voice_ms,
            words=self._spread(text.text if text else ""),
            draft=self._spread(text.draft) if text and text.draft is not None else None,
        )

    def _shown(self) -> str:
        if self._text is None:
            return ""
        return self._text.text if self._text.draft is None else self._text.draft

    def _spread(self, text: str) -> tuple[Word, ...]:
        """The words of a text, spread evenly over the stretch."""
        texts = text.split()
        span_ms = self._gate.last_voice_ms - self._onset_ms
        return tuple(
            Word(
                word,
                start_ms=self._onset_ms + span_ms * place // len(texts),
                end_ms=self._onset_ms + span_ms * (place + 1) // len(texts),
                confidence=CONFIDENCE,
                settled=True,
            )
            for place, word in enumerate(texts)
        )
