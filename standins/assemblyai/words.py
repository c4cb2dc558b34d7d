"""What is heard: words with their places in the stream, and the observations that an engine makes."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its place in the stream.

    Attributes:
        text: As the engine wrote it.
        start_ms: Start in milliseconds of stream time.
        end_ms: End in milliseconds of stream time.
        confidence: From 0 to 1.
        settled: Whether it stays as it is for the rest of the turn.
    """

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    settled: bool = False


def mean_confidence(words: Sequence[Word]) -> float:
    """The mean of the words' confidences, 0.0 without words."""
    return sum(word.confidence for word in words) / len(words) if words else 0.0


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """A voice set in.

    Attributes:
        at_ms: Stream time at which this is known.
        onset_ms: Stream time of the first voiced sample.
    """

    at_ms: int
    onset_ms: int


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """What the stretch of speech that is going on holds so far; replaces what was said of it before.

    Attributes:
        at_ms: Stream time at which this is known.
        words: All words of the stretch.
    """

    at_ms: int
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The voice fell silent; the words of the stretch are settled. They may be none: it was only noise.

    Attributes:
        at_ms: Stream time at which this is known.
        last_voice_ms: Stream time of the last voiced sample, from which silence is counted.
        words: The words of the stretch as they will be in the final.
        draft: How partials show the stretch until the final, if otherwise.
    """

    at_ms: int
    last_voice_ms: int
    words: tuple[Word, ...]
    draft: tuple[Word, ...] | None = None


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The stream went on to `at_ms` milliseconds."""

    at_ms: int


Observation = SpeechBegan | WordsHeard | SpeechPaused | TimePassed
