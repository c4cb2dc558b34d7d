"""Sentences for callers, each said once: a word of a transcript can then come from one place only.

None of them leads the scripted dialogue to a topic, so that the agent's answer repeats the sentence.
"""

SPOKEN = "Tell me a little more about it."
"""What a caller's voice says meanwhile: the light engine hears only loudness, and is given the words."""

_WORDS = """
amber bronze crimson silver velvet hollow gentle narrow rusty silent sunny crooked frozen golden humble ivory
lantern kettle anchor violin compass saddle teapot ladder harbor window basket candle feather mirror pillow tunnel
brittle clever dusty eager faded glossy heavy jagged lively mellow polished rugged slender tangled wooden yellow
barrel cabin desert engine falcon garden hammer island jacket kitten lemon meadow needle orchard pepper quilt
"""
_CHOICES = [line.split() for line in _WORDS.strip().splitlines()]

COUNT = 16**4
"""How many there are: sixteen words for each of four places."""

_SPREAD = 40_503
"""Odd, and so without a common divisor with COUNT: none comes twice, and neighbours have few words in common."""


def sentence(number: int) -> str:
    """The sentence of a number from 0 to COUNT - 1."""
    rest = number * _SPREAD % COUNT
    words = []
    for choices in _CHOICES:
        rest, place = divmod(rest, len(choices))
        words.append(choices[place])
    return "The {} {} leans on the {} {}.".format(*words)
