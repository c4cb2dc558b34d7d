"""Words of assent that are no turn of their own. Pure."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+")


class Backchannels:
    """Knows phrases such as "mhm" and "uh-huh", however they are written.

    Args:
        phrases: from the settings.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = sorted({_words(phrase) for phrase in phrases}, key=len, reverse=True)

    def only(self, text: str) -> bool:
        """Tell whether `text` consists of nothing but these phrases, and of at least one."""
        words = _words(text)
        rest = words
        while rest:
            phrase = next((each for each in self._phrases if each and rest[: len(each)] == each), None)
            if phrase is None:
                return False
            rest = rest[len(phrase) :]
        return bool(words)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(text))
