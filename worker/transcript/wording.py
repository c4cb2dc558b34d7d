"""Putting pieces of speech together and taking them apart again."""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import east_asian_width


def join(pieces: Iterable[str]) -> str:
    """Join pieces of text with one space between them, or none where the script has none (Chinese)."""
    whole = ""
    for piece in pieces:
        if whole and piece and _parted(whole[-1], piece[0]):
            whole += " "
        whole += piece
    return whole.strip()


def rest(whole: str, heard: str) -> str:
    """Return what follows `heard` in `whole`, whatever the white space in either.

    Where `heard` is not the beginning of `whole` (a voice that was given normalised text), as many words are
    taken off as were heard.
    """
    wanted = [letter for letter in heard if not letter.isspace()]
    position = matched = 0
    while matched < len(wanted) and position < len(whole):
        if not whole[position].isspace():
            if whole[position] != wanted[matched]:
                return " ".join(whole.split()[len(heard.split()) :])
            matched += 1
        position += 1
    return whole[position:].strip()


def _parted(before: str, after: str) -> bool:
    return not (before.isspace() or after.isspace() or (_is_wide(before) and _is_wide(after)))


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in "WF"
