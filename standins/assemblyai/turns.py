"""What both model families have in common: the turn that is open, and the delays of the service."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from standins.assemblyai.messages import Message
from standins.assemblyai.parameters import Parameters
from standins.assemblyai.words import Observation, Word


@dataclass(frozen=True, slots=True)
class Delays:
    """How fast the service is, in milliseconds of stream time after the last voiced sample.

    Attributes:
        utterance_ms: When Universal-Streaming sends a finished `utterance`, its early sign.
        partial_ms: When Universal-3 sends the partial of an unfinished sentence.
        decision_ms: When either has decided whether the turn has ended. A turn ends at the later of this
            and the client's silence bound.
        ramp: `end_of_turn_confidence` of the partials that Universal-3 sends while it holds an unfinished
            turn, spread evenly up to the forced end. None of them: one partial, without confidence.
    """

    utterance_ms: int = 240
    partial_ms: int = 300
    decision_ms: int = 300
    ramp: tuple[float, ...] = (0.0, 0.4, 0.75)

    @property
    def pause_ms(self) -> int:
        """The silence after which the words of a stretch of speech are needed."""
        return min(self.utterance_ms, self.partial_ms, self.decision_ms)


@dataclass(slots=True)
class OpenTurn:
    """A turn that has not ended.

    Attributes:
        onset_ms: Stream time of its first voiced sample.
        settled: The words of the stretches of speech that are over.
        shown: The same as partials show them.
        going: The words so far of the stretch that is going on.
        last_voice_ms: From when silence is counted; None while somebody speaks.
    """

    onset_ms: int
    settled: list[Word] = field(default_factory=list)
    shown: list[Word] = field(default_factory=list)
    going: Sequence[Word] = ()
    last_voice_ms: int | None = None

    def pause(self, last_voice_ms: int, words: Sequence[Word], draft: Sequence[Word] | None) -> None:
        """A stretch is over; its words count now."""
        self.settled += words
        self.shown += words if draft is None else draft
        self.going = ()
        self.last_voice_ms = last_voice_ms


class Turns(Protocol):
    """A model family: what it answers to what is heard. Pure; time is stream time."""

    def observe(self, observation: Observation) -> list[Message]:
        """The messages that follow from an observation, in order."""

    def force(self) -> list[Message]:
        """Ends the open turn now; the words of its last stretch must have been observed."""

    def configure(self, parameters: Parameters) -> None:
        """Goes on with other parameters, in the open turn too."""
