"""How words are written: as spoken, or formatted with capitals and punctuation."""

from collections.abc import Iterable, Sequence
from typing import Protocol

# Sentence ends of the scripts that callers may write in.
TERMINAL = ".?!。？！؟।"  # noqa: RUF001 (full-width marks are meant)
# A sentence that begins with one of these is a question.
_QUESTION_WORDS = frozenset(
    {"what", "when", "where", "who", "whom", "whose", "why", "how", "which"}
    | {"can", "could", "do", "does", "did", "is", "are", "am", "was", "were"}
    | {"will", "would", "may", "should", "has", "have"}
)
# They may stand before it.
_OPENING_WORDS = frozenset({"hi", "hello", "hey", "there", "good", "morning", "please", "sorry", "okay", "well"})
# A sentence does not end with one of these: the speaker has not finished.
_DANGLING_WORDS = frozenset(
    {"a", "an", "the", "my", "your", "his", "her", "its", "our", "their"}
    | {"and", "or", "but", "because", "if", "i", "i'm", "i'd", "i'll", "that's", "we"}
    | {"would", "could", "to", "of", "for", "with", "from", "um", "uh"}
)
_FIRST_PERSON = frozenset({"i", "i'm", "i'd", "i'll", "i've"})


class Wording(Protocol):
    """How an engine's words are written in messages."""

    def plain(self, words: Sequence[str]) -> list[str]:
        """As spoken: lower case, no punctuation."""

    def formatted(self, words: Sequence[str]) -> list[str]:
        """Formatted, word by word; without a sentence end when the speaker has not finished."""


class RuleWording:
    """Formats recognised words by simple rules.

    A capital at the beginning and in the words that the phrases write so; a question mark after a question
    word's sentence, a full stop after any other; nothing after a word that no sentence ends with.

    Args:
        phrases: Sentences whose inner capitals are names.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        inner = (word.strip(",.?!") for phrase in phrases for word in phrase.split()[1:])
        self._names = {word.lower(): word for word in inner if word[:1].isupper()}

    def plain(self, words: Sequence[str]) -> list[str]:
        """As spoken."""
        return list(words)

    def formatted(self, words: Sequence[str]) -> list[str]:
        """Formatted, word by word."""
        if not words:
            return []
        written = [self._names.get(word) or (_capital(word) if word in _FIRST_PERSON else word) for word in words]
        written[0] = _capital(written[0])
        if words[-1] not in _DANGLING_WORDS:
            first = next((word for word in words if word not in _OPENING_WORDS), "")
            written[-1] += "?" if first in _QUESTION_WORDS else "."
        return written


class GivenWording:
    """Words that were given formatted; as spoken they lose capitals and punctuation."""

    def plain(self, words: Sequence[str]) -> list[str]:
        """As spoken; a word of punctuation alone stays."""
        return [word.lower().strip(TERMINAL + ",;:¿¡、") or word for word in words]

    def formatted(self, words: Sequence[str]) -> list[str]:
        """As given."""
        return list(words)


def is_complete(formatted: Sequence[str]) -> bool:
    """Whether formatted words end a sentence."""
    return bool(formatted) and formatted[-1].rstrip("\"')»”")[-1:] in set(TERMINAL)


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
