"""What all forms for people share: who speaks, what time it is, and how it went, in plain words."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from worker.transcript.model import Transcript, TranscriptGap, Turn

REASONS: Mapping[str, str] = {
    "caller_left": "the caller left",
    "room_closed": "the room was closed",
    "goodbye": "the agent said goodbye and ended the call",
    "error": "the call ended after an error",
    "handover": "another worker went on with the call",
    "superseded": "another agent took its place",
    "crashed": "the worker died without an orderly end",
    "running": "not yet, the call is still running",
}

STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder the text after them: one in a name could turn a line round.
Source: Unicode Standard Annex 9, explicit directional formatting."""


def one_line(text: str) -> str:
    """Return `text` without anything that ends a line, controls a terminal, or reorders what follows."""
    if text.isascii() and text.isprintable():  # most of them, without looking at each letter
        return " ".join(text.split())
    text = text.encode(errors="replace").decode()  # a file's name may hold what UTF-8 has no form for
    kept = "".join(" " if _breaks(letter) else letter for letter in text if letter not in STEERING)
    return " ".join(kept.split())


def clock(ms: int) -> str:
    """Return mm:ss, from an hour on h:mm:ss."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def date(transcript: Transcript) -> str:
    """Return the beginning as people write it."""
    return f"{datetime.fromisoformat(transcript.started_at):%Y-%m-%d %H:%M:%S} UTC"


def reason(transcript: Transcript) -> str:
    """Return why the session ended."""
    ended = transcript.ended
    words = REASONS.get(ended.reason, ended.reason)
    return f"{words} ({ended.detail})" if ended.detail else words


def completeness(transcript: Transcript) -> str:
    """Return whether everything said is in the transcript."""
    if transcript.complete:
        return "complete: everything that was said is here"
    count = len(transcript.gaps)
    return f"NOT complete: {count} {'gap' if count == 1 else 'gaps'}, marked below where each begins"


def names(transcript: Transcript) -> dict[str, str]:
    """Return what to call each participant: the name, with the identity where that alone would mislead."""
    taken = {one_line(transcript.agent).casefold()}
    labels: dict[str, str] = {}
    for person in transcript.participants:
        label = one_line(person.name) or one_line(person.identity)
        if label.casefold() in taken:
            label = f"{label} ({one_line(person.identity)})"
        taken.add(label.casefold())
        labels[person.identity] = label
    return labels


def speaker(turn: Turn, labels: Mapping[str, str]) -> str:
    """Return who a turn is by."""
    match turn.role:
        case "agent":
            return f"{one_line(turn.participant or '')} (agent)".strip()
        case "tool" | "system" if turn.participant is None:
            return turn.role
        case "system":
            return f"{_label(turn, labels)} (keypad)"
        case _:
            label = _label(turn, labels)
            return f"{label}, speaker {one_line(turn.speaker)}" if turn.speaker else label


def voice(turn: Turn, labels: Mapping[str, str]) -> str:
    """Return who is heard in a turn: the agent by its name alone."""
    return one_line(turn.participant or "") if turn.role == "agent" else speaker(turn, labels)


def marks(turn: Turn) -> str:
    """Return what is to be known about a turn beside its words."""
    kept = []
    if turn.source == "chat":
        kept.append("typed")
    if turn.unfinished:
        kept.append("unfinished")
    if turn.interrupted:
        kept.append("interrupted")
    return f"({', '.join(kept)})" if kept else ""


def gap(gap: TranscriptGap, labels: Mapping[str, str]) -> str:
    """Return a gap as a sentence."""
    span = clock(gap.from_ms)
    if gap.to_ms is None:
        span += " to the end"
    elif clock(gap.to_ms) != span:
        span += f" to {clock(gap.to_ms)}"
    who = f": {labels.get(gap.participant, one_line(gap.participant))}" if gap.participant else ""
    return f"Gap, {span}: {one_line(gap.reason)}{who}"


def _label(turn: Turn, labels: Mapping[str, str]) -> str:
    identity = turn.participant or ""
    return labels.get(identity, one_line(identity))


def _breaks(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in {"Cc", "Zl", "Zp"}
