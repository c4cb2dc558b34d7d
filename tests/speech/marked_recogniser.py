"""A recogniser for speech in which each word is a loudness of its own, and a caller who speaks so.

What was said is known by its numbers, so that a test sees which word was lost, doubled or misplaced.
"""

import asyncio
import contextlib
from array import array
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit import rtc

from tests.speech.listening import silence, voice
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder, let_others_run
from tests.speech.scripted_server import TERMINATION, Connection
from worker.speech.assemblyai import RecordingStream, stream
from worker.transcript.events import UserFinal, Word

CHUNK_MS = 50
WORD_MS = 100
ENDS_AFTER_MS = 300
"""Silence that ends a turn."""

Strike = Callable[[Connection], Awaitable[None]]


@dataclass
class Clock:
    """The wall clock of the stream under test, which passes as the caller speaks."""

    now: float = 1_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stream, "time", clock)
    return clock


@dataclass
class Caller:
    """Says words, and remembers when."""

    stream: RecordingStream
    clock: Clock
    said_at: dict[int, float] = field(default_factory=dict)

    async def say(self, words: Iterable[int], pause_ms: int = 400) -> None:
        """Say `words` in one breath, and pause."""
        for word in words:
            self.said_at[word] = self.clock.now
            await self._sound(voice(WORD_MS, word))
        await self.pause(pause_ms)

    async def pause(self, milliseconds: int) -> None:
        for _ in range(milliseconds // CHUNK_MS):
            await self._sound(silence(CHUNK_MS))

    async def _sound(self, frame: rtc.AudioFrame) -> None:
        if not self.stream._task.done():
            self.stream.push_frame(frame)
            await let_others_run(5)
        self.clock.now += frame.duration


@dataclass
class Hearing:
    """Recognises marked words on one connection.

    Attributes:
        session: Id of the session.
        strike_after: Words after which `strike` is done to the connection, once; None: never.
        strike: What is done then.
        clock: What the session's end is told by.
        lives_for: Seconds until then.
    """

    session: str
    strike_after: int | None = None
    strike: Strike | None = None
    clock: Clock = field(default_factory=Clock)
    lives_for: float = 10_800
    heard: list[int] = field(default_factory=list)
    _words: list[dict[str, Any]] = field(default_factory=list)
    _order: int = 0
    _quiet_ms: int = 0

    async def __call__(self, connection: Connection) -> None:
        await connection.begin(self.session, self.clock.now + self.lives_for)
        at = 0
        while True:
            await connection.until(_has_news(at), forever=True)
            for chunk in connection.chunks[at:]:
                await self._hear(connection, chunk, at * CHUNK_MS)
                at += 1
                if self.strike is not None and len(self.heard) == self.strike_after:
                    await self.strike(connection)
                    return
            if {"type": "Terminate"} in connection.messages:
                await self._end_turn(connection)
                await connection.send(TERMINATION)
                return
            connection.messages.clear()
            if connection.is_closed:
                return

    async def _hear(self, connection: Connection, chunk: bytes, at_ms: int) -> None:
        level = array("h", chunk)[0]
        if level < 4000:
            self._quiet_ms += CHUNK_MS
            if self._quiet_ms >= ENDS_AFTER_MS:
                await self._end_turn(connection)
            return
        self._quiet_ms = 0
        mark = level - 4000
        text = f"w{mark}"
        if self._words and self._words[-1]["text"] == text:
            self._words[-1]["end"] = at_ms + CHUNK_MS
            return
        self.heard.append(mark)
        self._words.append({"text": text, "start": at_ms, "end": at_ms + CHUNK_MS, "confidence": 0.9})
        await connection.send(self._turn())

    async def _end_turn(self, connection: Connection) -> None:
        if self._words:
            await connection.send(self._turn() | {"end_of_turn": True, "turn_is_formatted": True})
            self._words.clear()
            self._order += 1

    def _turn(self) -> dict[str, Any]:
        transcript = " ".join(word["text"] for word in self._words)
        return {
            "type": "Turn", "turn_order": self._order, "end_of_turn": False, "transcript": transcript,
            "words": [dict(word) for word in self._words],
        }  # fmt: skip


def _has_news(at: int) -> Callable[[Connection], bool]:
    return lambda it: len(it.chunks) > at or bool(it.messages) or it.is_closed


def words_of(recorder: MemoryRecorder) -> list[int]:
    """The numbers of all words in finals, of each turn the last one, in the order of the turns."""
    finals = {(each.stream, each.turn_order): each for each in recorder.of(UserFinal)}
    return [int(word[1:]) for each in finals.values() for word in each.text.split()]


def word_times(recorder: MemoryRecorder) -> dict[int, int]:
    """When each word began, in milliseconds on the part's clock."""
    words: Iterable[Word] = (word for each in recorder.of(UserFinal) for word in each.words)
    return {int(word.text[1:]): word.start_ms for word in words if word.start_ms is not None}


async def until_heard(recorder: MemoryRecorder, last: int) -> None:
    """Wait until there is a final with that word."""
    with contextlib.suppress(ValueError):
        async with asyncio.timeout(PATIENCE_S):
            while last not in words_of(recorder):
                await recorder.until(UserFinal, len(recorder.of(UserFinal)) + 1)
