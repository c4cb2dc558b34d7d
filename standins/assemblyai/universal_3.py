"""The Universal-3 family: a turn ends by punctuation, and partials tell of it while it is held.

Source: AssemblyAI streaming API v3, turn detection and partials of Universal-3 Pro.
"""

from collections.abc import Sequence
from dataclasses import replace

from standins.assemblyai import messages
from standins.assemblyai.messages import Message
from standins.assemblyai.parameters import Parameters
from standins.assemblyai.turns import Delays, OpenTurn
from standins.assemblyai.wording import Wording, is_complete
from standins.assemblyai.words import Observation, SpeechBegan, SpeechPaused, TimePassed, Word, WordsHeard

# The first partial comes so long after speech began, plus the client's `interruption_delay`.
FIRST_PARTIAL_MS = 256
# Continuous partials come about so often.
PARTIAL_EVERY_MS = 1000


class Universal3:
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
        self._next_partial_ms: int | None = None
        self._held_partials = 0
        self.configure(parameters)

    def configure(self, parameters: Parameters) -> None:
        """Goes on with other parameters."""
        self._min_silence, self._max_silence = parameters.silences()
        self._first_partial_delay = parameters.first_partial_delay()
        # Speaker labels switch continuous partials off.
        continuous = parameters.continuous_partials is not False and not parameters.speaker_labels
        self._continuous = continuous
        self._with_partials = parameters.include_partial_turns

    def observe(self, observation: Observation) -> list[Message]:
        """The messages that follow from an observation."""
        match observation:
            case SpeechBegan(onset_ms=onset_ms):
                return self._speech_began(onset_ms)
            case WordsHeard(words=words) if self._turn is not None:
                self._turn.going = words
            case SpeechPaused(last_voice_ms=last_voice_ms, words=words, draft=draft) if self._turn is not None:
                self._turn.pause(last_voice_ms, words, draft)
                self._held_partials = 0
                if not self._turn.settled:
                    self._turn = None
            case TimePassed(at_ms=at_ms) if self._turn is not None:
                if self._turn.last_voice_ms is None:
                    return self._speaking(self._turn, at_ms)
                return self._silence(self._turn, at_ms - self._turn.last_voice_ms)
        return []

    def force(self) -> list[Message]:
        """Ends the open turn now."""
        return [self._final(self._turn)] if self._turn is not None and self._turn.settled else []

    def _speech_began(self, onset_ms: int) -> list[Message]:
        self._next_partial_ms = onset_ms + self._first_partial_delay + FIRST_PARTIAL_MS
        if self._turn is not None:
            self._turn.last_voice_ms = None
            return []
        self._turn = OpenTurn(onset_ms)
        return [messages.speech_started(onset_ms)]

    def _speaking(self, turn: OpenTurn, at_ms: int) -> list[Message]:
        """An early partial, then continuous ones."""
        if self._next_partial_ms is None or at_ms < self._next_partial_ms or not turn.going:
            return []
        self._next_partial_ms = at_ms + PARTIAL_EVERY_MS if self._continuous else None
        return self._partial([*turn.shown, *turn.going], 0.0)

    def _silence(self, turn: OpenTurn, silence_ms: int) -> list[Message]:
        """The end, or the partials of a turn that is held because its sentence is not finished."""
        finished = is_complete(self._wording.formatted([word.text for word in turn.shown]))
        bound = min(self._min_silence, self._max_silence) if finished else self._max_silence
        end_ms = max(self._delays.decision_ms, bound)
        if silence_ms >= end_ms:
            return [self._final(turn)]
        ramp = self._delays.ramp or (0.0,)
        if finished or self._held_partials == len(ramp):
            return []
        first_ms = max(self._delays.partial_ms, self._min_silence)
        if silence_ms < first_ms + (end_ms - first_ms) * self._held_partials / len(ramp):
            return []
        self._held_partials += 1
        return self._partial(turn.shown, ramp[self._held_partials - 1])

    def _partial(self, words: Sequence[Word], confidence: float) -> list[Message]:
        if not self._with_partials:
            return []
        # No word of a partial is final: the model refines the whole turn at its end.
        open_words = [replace(word, settled=False) for word in words]
        return [self._message(open_words, confidence, end_of_turn=False)]

    def _final(self, turn: OpenTurn) -> Message:
        final = self._message(turn.settled, 1.0, end_of_turn=True)
        self._turn = None
        self._turn_order += 1
        return final

    def _message(self, words: Sequence[Word], confidence: float, *, end_of_turn: bool) -> Message:
        written = self._wording.formatted([word.text for word in words])
        transcript = " ".join(written)
        return messages.turn(
            turn_order=self._turn_order,
            words=words,
            written=written,
            transcript=transcript,
            utterance=transcript if end_of_turn else "",
            end_of_turn=end_of_turn,
            is_formatted=True,
            confidence=confidence,
        )
