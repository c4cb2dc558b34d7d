"""A turn on its way into the transcript: what one part knows of it, on the part's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from worker.transcript.events import Word
from worker.transcript.model import Latency, Tool, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A turn without its place among the others."""

    seq: int
    """First journal line that speaks of it; decides between turns that began at the same time."""
    role: Literal["user", "agent", "tool", "system"]
    text: str
    started_ms: int
    ended_ms: int
    participant: str | None = None
    words: tuple[Word, ...] = ()
    confidence: float | None = None
    interrupted: bool = False
    unplayed_text: str = ""
    latency: Latency | None = None
    unfinished: bool = False
    speaker: str | None = None
    language: str | None = None
    source: Literal["speech", "chat"] = "speech"
    tool: Tool | None = None

    def turn(self, index: int, offset: int) -> Turn:
        """Return the turn at `index`, its times moved by `offset` milliseconds. Times never run backwards."""
        started = max(0, self.started_ms + offset)
        return Turn(
            index=index,
            role=self.role,
            participant=self.participant,
            text=self.text,
            started_ms=started,
            ended_ms=max(started, self.ended_ms + offset),
            words=tuple(_moved(word, offset) for word in self.words) if offset else self.words,
            confidence=self.confidence,
            interrupted=self.interrupted,
            unplayed_text=self.unplayed_text,
            latency=self.latency,
            unfinished=self.unfinished,
            speaker=self.speaker,
            language=self.language,
            source=self.source,
            tool=self.tool,
        )


def _moved(word: Word, offset: int) -> Word:
    start = None if word.start_ms is None else word.start_ms + offset
    end = None if word.end_ms is None else word.end_ms + offset
    return Word(word.text, start, end, word.confidence)
