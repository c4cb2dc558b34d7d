"""Where a text may be broken into lines, in columns as they are displayed.

Lines break at white space; in scripts that have none between words (Chinese, Japanese) after any character, but
for those that may not begin or end a line; and elsewhere within what is longer than a line. What a reader sees
as one character (an emoji of several code points, a letter with its accents) is never taken apart.

Source: Unicode Standard Annex 29 (grapheme clusters, through wcwidth), and a small part of Annex 14.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wcwidth import iter_graphemes, width

NEVER_FIRST = frozenset("ーぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ々〻ゝゞヽヾ\u301c\uff5e")
"""May not begin a line, beside closing punctuation. Source: Unicode Standard Annex 14, class CJ, and NS."""
CLOSING = frozenset({"Pe", "Pf", "Po"})
OPENING = frozenset({"Ps", "Pi"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that is not broken."""

    text: str
    width: int
    """Columns."""
    is_spaced: bool
    """White space before it, which a line's end takes the place of."""


def pieces(text: str, longest: int) -> Iterator[Piece]:
    """Yield `text`, which is one line, as pieces of at most `longest` columns; one character may be wider."""
    for word in text.split():
        if word.isascii() and len(word) <= longest:  # most words, without looking at each letter
            yield Piece(word, len(word), is_spaced=True)
            continue
        is_spaced = True
        for clusters in _unbroken(list(iter_graphemes(word))):
            for piece in _at_most(clusters, longest):
                yield Piece(piece, width(piece), is_spaced)
                is_spaced = False


def clipped(text: str, longest: int) -> str:
    """Return `text`, or its beginning and an ellipsis, in at most `longest` columns."""
    if width(text) <= longest:
        return text
    return next(_at_most(iter_graphemes(text), longest - 1)).rstrip() + "…"


def _unbroken(clusters: list[str]) -> Iterator[list[str]]:
    together: list[str] = []
    for cluster in clusters:
        if together and _may_break(together[-1], cluster):
            yield together
            together = []
        together.append(cluster)
    if together:
        yield together


def _may_break(before: str, after: str) -> bool:
    if after[0] in NEVER_FIRST or unicodedata.category(after[0]) in CLOSING:
        return False
    if unicodedata.category(before[0]) in OPENING:
        return False
    return _is_ideographic(before) or _is_ideographic(after)


def _is_ideographic(cluster: str) -> bool:
    """Whether lines break around it. Korean is as wide, and has spaces."""
    letter = cluster[0]
    return unicodedata.east_asian_width(letter) in "WF" and not unicodedata.name(letter, "").startswith("HANGUL")


def _at_most(clusters: Iterable[str], longest: int) -> Iterator[str]:
    taken = ""
    for cluster in clusters:
        if taken and width(taken + cluster) > longest:
            yield taken
            taken = ""
        taken += cluster
    yield taken
