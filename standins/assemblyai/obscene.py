"""Masks obscene words: an open vocabulary hears them in spoken digits and in noise."""

# Beginnings of words, so that inflections are covered too.
_BEGINNINGS = (
    "arsehole",
    "asshole",
    "bastard",
    "bitch",
    "blowjob",
    "bollock",
    "bullshit",
    "cocksuck",
    "cunt",
    "dickhead",
    "dildo",
    "faggot",
    "fuck",
    "goddamn",
    "jackass",
    "motherfuck",
    "nigga",
    "nigger",
    "pussy",
    "shit",
    "slut",
    "twat",
    "wank",
    "whore",
)
_WORDS = frozenset({"ass", "asses", "cock", "cocks", "crap", "damn", "dick", "dicks", "fag", "piss", "tits"})


def mask(word: str) -> str:
    """The word, or its first letter and asterisks if it is obscene."""
    if word in _WORDS or word.startswith(_BEGINNINGS):
        return word[0] + "*" * (len(word) - 1)
    return word
