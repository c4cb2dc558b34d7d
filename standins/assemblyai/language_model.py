"""The language model of the demo's phrases: an ARPA trigram file and the dictionary cut to its words."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

PHRASES = Path(__file__).with_name("phrases.txt")

START, END = "<s>", "</s>"
ORDER = 3
# Absolute discounting: what is taken from each count goes to what was never seen. Little is taken, since what
# is in the file is what callers of the demo are expected to say.
DISCOUNT = 0.1
# What ARPA files say for "never": <s> is only ever a context.
NEVER = -99.0

NGram = tuple[str, ...]


def read_phrases(path: Path = PHRASES) -> list[str]:
    """The sentences of a phrase file: one a line, `#` begins a comment line."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def spoken(text: str) -> list[str]:
    """The words of a text as a recogniser writes them: lower case, no punctuation but the apostrophe."""
    kept = "".join(letter if letter.isalnum() or letter in "' " else " " for letter in text.lower())
    return [word.strip("'") for word in kept.split() if word.strip("'")]


def sentences(phrases: Iterable[str]) -> list[list[str]]:
    """What the model is counted on: each phrase, and each of its clauses, since callers pause at commas."""
    counted: list[list[str]] = []
    for phrase in phrases:
        counted.append(spoken(phrase))
        clauses = phrase.split(",")
        if len(clauses) > 1:
            counted.extend(spoken(clause) for clause in clauses)
    return counted


def trigram_model(counted: Iterable[list[str]]) -> str:
    """An ARPA trigram model with absolute discounting and back-off.

    Args:
        counted: The sentences, as lists of words.

    Returns:
        The file's text: base-10 logarithms of probabilities and of back-off weights.
    """
    counts: list[Counter[NGram]] = [Counter() for _ in range(ORDER)]
    for words in counted:
        line = (START, *words, END)
        for length in range(1, ORDER + 1):
            counts[length - 1].update(line[at : at + length] for at in range(len(line) - length + 1))
    del counts[0][(START,)]

    total = sum(counts[0].values())
    freed = DISCOUNT * len(counts[0]) / total
    probability: dict[NGram, float] = {
        gram: (count - DISCOUNT) / total + freed / len(counts[0]) for gram, count in counts[0].items()
    }
    backoff: dict[NGram, float] = {}
    for higher in counts[1:]:
        followers: dict[NGram, list[NGram]] = defaultdict(list)
        for gram in higher:
            followers[gram[:-1]].append(gram)
        for context, grams in followers.items():
            seen = sum(higher[gram] for gram in grams)
            for gram in grams:
                probability[gram] = (higher[gram] - DISCOUNT) / seen
            # The freed mass goes to the words that never followed, by what the shorter context says of them.
            unseen = 1.0 - sum(probability[gram[1:]] for gram in grams)
            backoff[context] = (DISCOUNT * len(grams) / seen) / max(unseen, 1e-9)
    return _arpa(counts, probability, backoff)


def _arpa(counts: list[Counter[NGram]], probability: dict[NGram, float], backoff: dict[NGram, float]) -> str:
    levels = [sorted(counter) for counter in counts]
    levels[0] = sorted([*levels[0], (START,)])
    lines = ["\\data\\", *(f"ngram {order}={len(level)}" for order, level in enumerate(levels, start=1))]
    for order, level in enumerate(levels, start=1):
        lines += ["", f"\\{order}-grams:"]
        for gram in level:
            log = math.log10(probability[gram]) if gram in probability else NEVER
            tail = f" {math.log10(backoff[gram]):.4f}" if gram in backoff else ""
            lines.append(f"{log:.4f} {' '.join(gram)}{tail}")
    return "\n".join([*lines, "", "\\end\\", ""])


def cut_dictionary(words: set[str], full: Path) -> str:
    """The pronunciations of these words only, alternates such as `the(2)` included.

    Args:
        words: The words of the model.
        full: The pronunciation dictionary that they are taken from.

    Raises:
        ValueError: If a word has no pronunciation there; the sentence names it.
    """
    with full.open(encoding="utf-8") as lines:
        kept = [line for line in lines if line.split()[0].partition("(")[0] in words]
    missing = words - {line.split()[0].partition("(")[0] for line in kept}
    if missing:
        raise ValueError(f"No pronunciation for {', '.join(sorted(missing))}: reword the phrase.")
    return "".join(kept)
