"""What a check found."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How bad it is."""

    FINE = "fine"
    WARNING = "warning"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination; never holds a secret."""

    check: str
    verdict: Verdict
    sentence: str
    remedy: str = ""


def fine(check: str, sentence: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, Verdict.FINE, sentence)


def warning(check: str, sentence: str, remedy: str) -> Finding:
    """It works, but is probably not what was meant."""
    return Finding(check, Verdict.WARNING, sentence, remedy)


def failed(check: str, sentence: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(check, Verdict.FAILED, sentence, remedy)


def unreachable(check: str, sentence: str, remedy: str) -> Finding:
    """A service gave no answer."""
    return Finding(check, Verdict.UNREACHABLE, sentence, remedy)


def skipped(check: str, sentence: str) -> Finding:
    """It cannot be checked before something else is mended."""
    return Finding(check, Verdict.SKIPPED, sentence)
