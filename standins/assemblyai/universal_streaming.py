"""Universal-Streaming: a turn ends by confidence, and an early `utterance` tells of it.

Source: AssemblyAI streaming API v3, turn detection of Universal-Streaming and its message sequence.
"""

from collections.abc import Sequence

from standins.assemblyai import messages
from standins.assemblyai.messages import Message
from standins.assemblyai.parameters import Parameters
from standins.assemblyai.turns import Delays, OpenTurn
from standins.assemblyai.wording import Wording, is_complete
from standins.assemblyai.words import Observation, SpeechBegan, SpeechPaused, TimePassed, Word, WordsHeard

DEFAULT_THRESHOLD = 0.4
# The probability that the turn has ended: while somebody speaks, and in the silence after words that do
# or do not end a sentence.
SPEAKING, UNFINISHED, FINISHED = 0.01, 0.12, 0.81


class UniversalStreaming:
    """The turns of one session.

    Args:
        parameters: The connection's.
        delays: How fast the service is.
        wording: How words are written.
    """

    def __init__(self, parameters: Parameters, delays: Delays, wording: Wording) -> None:
        self._delays = delays
        self._wording = wording
        self._turn: OpenTurn | None = None
        self._turn_order = 0
        self._untold: list[Word] = []
        self.configure(parameters)

    def configure(self, parameters: Parameters) -> None:
        """Goes on with other parameters."""
        self._min_silence, self._max_silence = parameters.silences()
        threshold = parameters.end_of_turn_confidence_threshold
        self._threshold = DEFAULT_THRESHOLD if threshold is None else threshold
        self._format_turns = bool(parameters.format_turns)

    def observe(self, observation: Observation) -> list[Message]:
        """The messages that follow from an observation."""
        match observation:
            case SpeechBegan(onset_ms=onset_ms):
                return self._speech_began(onset_ms)
            case WordsHeard(words=words) if self._turn is not None:
                changed = tuple(words) != tuple(self._turn.going)
                self._turn.going = words
                return [self._partial(SPEAKING)] if changed and words else []
            case SpeechPaused(last_voice_ms=last_voice_ms, words=words) if self._turn is not None:
                self._turn.pause(last_voice_ms, words, None)
                self._untold += words
                if not self._turn.settled:
                    self._turn = None
                return []
            case TimePassed(at_ms=at_ms) if self._turn is not None and self._turn.last_voice_ms is not None:
                return self._silence(self._turn, at_ms - self._turn.last_voice_ms)
        return []

    def force(self) -> list[Message]:
        """Ends the open turn now."""
        return self._finals(self._turn) if self._turn is not None and self._turn.settled else []

    def _speech_began(self, onset_ms: int) -> list[Message]:
        if self._turn is not None:
            self._turn.last_voice_ms = None
            return []
        self._turn = OpenTurn(onset_ms)
        return [messages.speech_started(onset_ms)]

    def _silence(self, turn: OpenTurn, silence_ms: int) -> list[Message]:
        sure = self._confidence(turn) > self._threshold
        bound = min(self._min_silence, self._max_silence) if sure else self._max_silence
        if silence_ms >= max(self._delays.decision_ms, bound):
            return self._finals(turn)
        if self._untold and silence_ms >= self._delays.utterance_ms:
            utterance = _joined(self._wording.plain([word.text for word in self._untold]))
            self._untold = []
            return [self._partial(self._confidence(turn), utterance)]
        return []

    def _confidence(self, turn: OpenTurn) -> float:
        formatted = self._wording.formatted([word.text for word in turn.settled])
        return FINISHED if is_complete(formatted) else UNFINISHED

    def _partial(self, confidence: float, utterance: str = "") -> Message:
        """Where the turn stands; the transcript holds only words that stay as they are."""
        assert self._turn is not None
        words = [*self._turn.settled, *self._turn.going]
        written = self._wording.plain([word.text for word in words])
        staying = [text for word, text in zip(words, written, strict=True) if word.settled]
        return messages.turn(
            turn_order=self._turn_order,
            words=words,
            written=written,
            transcript=_joined(staying),
            utterance=utterance,
            confidence=confidence,
        )

    def _finals(self, turn: OpenTurn) -> list[Message]:
        """The final as spoken and, if asked for, the same once more formatted."""
        texts = [word.text for word in turn.settled]
        confidence = self._confidence(turn)
        plain = self._wording.plain(texts)
        finals = [self._final(turn, plain, confidence, utterance=_joined(plain), is_formatted=False)]
        if self._format_turns:
            formatted = self._wording.formatted(texts)
            finals.append(self._final(turn, formatted, confidence, utterance="", is_formatted=True))
        self._turn = None
        self._untold = []
        self._turn_order += 1
        return finals

    def _final(
        self, turn: OpenTurn, written: Sequence[str], confidence: float, *, utterance: str, is_formatted: bool
    ) -> Message:
        return messages.turn(
            turn_order=self._turn_order,
            words=turn.settled,
            written=written,
            transcript=_joined(written),
            utterance=utterance,
            end_of_turn=True,
            is_formatted=is_formatted,
            confidence=confidence,
        )


def _joined(words: Sequence[str]) -> str:
    return " ".join(words)
