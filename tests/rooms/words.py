"""Words as they are compared: lower case, no punctuation; and how far two texts are apart."""

import re
from collections.abc import Sequence


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower())


def word_errors(heard: Sequence[str], said: Sequence[str]) -> int:
    """Words that have to be put in, left out or exchanged to make `said` of `heard`."""
    row = list(range(len(said) + 1))
    for at, word in enumerate(heard, start=1):
        diagonal, row[0] = row[0], at
        for column, other in enumerate(said, start=1):
            exchanged = diagonal + (word != other)
            diagonal = row[column]
            row[column] = min(exchanged, row[column] + 1, row[column - 1] + 1)
    return row[-1]
