"""The caller's audio from where it is not final yet to where it is heard now. Pure.

A new provider session hears all of it again, so that a session that breaks costs no word. Silence is cut short while
there is much to catch up with, speech never.
"""

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from worker.speech.assemblyai.stream_clock import LEAP_SECONDS

CHUNK_SECONDS: Final = 0.05
"""Audio per message: the shortest that AssemblyAI takes (streaming API, "Audio requirements")."""

QUIET_PEAK: Final = 300
"""Highest sample, of 32767, of a chunk in which nobody speaks: -41 dBFS, which even whispering exceeds. Whatever is
louder counts as speech, for it is better to send noise than to miss a word; and so does what the local voice detection
hears on a line that is quieter still."""

LEAD_CHUNKS: Final = 6
"""Quiet chunks that stay before a chunk with a voice, for words begin and end more quietly than they are."""

BEHIND_CHUNKS: Final = 10
"""Unsent chunks from which silence is cut short: half a second."""

MOST_SECONDS: Final = 120.0
"""Audio that is kept at all. A turn has at most 60 s (streaming API, "Turn detection")."""

WORD_END_SECONDS: Final = 0.3
"""How far behind a word's end a pause is looked for: recognisers place it a little early."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Audio of `CHUNK_SECONDS`, 16 bit, mono.

    Attributes:
        data: The samples.
        heard_at: When the first of them was heard, in Unix seconds.
        quiet: Whether nobody speaks in it.
    """

    data: bytes
    heard_at: float
    quiet: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A time, in Unix seconds."""

    began: float
    ended: float


class Backlog:
    """Keeps audio until it is final.

    Args:
        sample_rate: Hz.
        replay_seconds: Audio that is kept while there is no session; of more, the newest.
        longest_silence: Seconds of silence that a recogniser must hear to end a turn; longer ones may be cut to it.
    """

    def __init__(self, *, sample_rate: int, replay_seconds: float, longest_silence: float) -> None:
        self._chunk_bytes = 2 * round(sample_rate * CHUNK_SECONDS)
        self._replay_chunks = round(replay_seconds / CHUNK_SECONDS)
        self._silence_chunks = round(longest_silence / CHUNK_SECONDS) + LEAD_CHUNKS
        self._rest = bytearray()
        self._rest_heard_at = 0.0
        self._chunks: list[Chunk] = []
        self._next = 0
        """Index of the chunk that is sent next."""
        self._new = 0
        """Index of the first chunk that no session has heard."""
        self._quiet_sent = 0
        """Quiet chunks that were sent or passed over since the last one with a voice."""
        self._limit: int | None = self._replay_chunks
        """How many new chunks are kept at most; None while a session hears them."""

    def hear(self, samples: bytes, heard_at: float, *, voice: bool = False) -> list[Span]:
        """Take audio.

        Args:
            samples: Of any length.
            heard_at: When the first of them was heard.
            voice: Somebody speaks, however quiet it is.

        Returns:
            What had to be forgotten, and may have had words in it.
        """
        waited = CHUNK_SECONDS * len(self._rest) / self._chunk_bytes
        if not self._rest or abs(self._rest_heard_at + waited - heard_at) > LEAP_SECONDS:
            self._rest_heard_at = heard_at - waited
        self._rest += samples
        while len(self._rest) >= self._chunk_bytes:
            self._add(bytes(self._rest[: self._chunk_bytes]), voice=voice)
            del self._rest[: self._chunk_bytes]
            self._rest_heard_at += CHUNK_SECONDS
        return self._forget_what_is_too_much()

    def fill_up(self) -> None:
        """No more audio comes: silence makes the last chunk a whole one."""
        if self._rest:
            self._add(bytes(self._rest) + bytes(self._chunk_bytes - len(self._rest)))
            self._rest.clear()

    def take(self) -> Chunk | None:
        """Return the chunk that is sent next, if there is one."""
        while self._may_be_passed_over():
            self._advance()
        if self._next == len(self._chunks):
            return None
        chunk = self._chunks[self._next]
        self._quiet_sent = self._quiet_sent + 1 if chunk.quiet else 0
        self._advance()
        return chunk

    def attend(self) -> None:
        """A session hears from now on: nothing is too much."""
        self._limit = None

    def rewind(self) -> None:
        """There is no session: the next one hears all that is kept."""
        self._next = 0
        self._quiet_sent = 0
        if self._limit is None:
            self._limit = self.new_chunks + self._replay_chunks

    def confirm(self, until: float) -> None:
        """What was said before `until` (Unix seconds) is final, and is not sent again."""
        last = bisect_left(self._chunks, until, key=attrgetter("heard_at"), hi=self._next)
        # The word's last sound is behind its end, and the pause after it in front of the next word.
        nearest = min(self._next, last + round(WORD_END_SECONDS / CHUNK_SECONDS))
        pause = next((at for at in range(last, nearest) if self._chunks[at].quiet), last)
        self._drop(pause)

    def forget(self, until: float) -> None:
        """What was heard before `until` (Unix seconds) is heard by another."""
        self._drop(bisect_left(self._chunks, until, key=attrgetter("heard_at")))

    def confirm_sent(self) -> None:
        """Everything that was sent is final."""
        self._drop(self._next)

    @property
    def is_sent(self) -> bool:
        """Whether nothing waits to be sent."""
        return self._next == len(self._chunks)

    @property
    def new_chunks(self) -> int:
        """Chunks that no session has heard."""
        return len(self._chunks) - self._new

    @property
    def is_quiet(self) -> bool:
        """Whether what was sent last was a pause, long enough that no word goes through it."""
        return self._quiet_sent >= LEAD_CHUNKS

    @property
    def is_attended(self) -> bool:
        """Whether a session hears."""
        return self._limit is None

    def unheard_speech(self) -> Span | None:
        """Return from when to when there may be words that no session has heard to their end."""
        return _span([chunk for chunk in self._chunks[self._next :] if not chunk.quiet])

    def _add(self, data: bytes, *, voice: bool = False) -> None:
        samples = memoryview(data).cast("h")
        quiet = not voice and max(max(samples), -min(samples)) < QUIET_PEAK
        self._chunks.append(Chunk(data, self._rest_heard_at, quiet))

    def _advance(self) -> None:
        self._next += 1
        self._new = max(self._new, self._next)

    def _may_be_passed_over(self) -> bool:
        if len(self._chunks) - self._next < BEHIND_CHUNKS or self._quiet_sent < self._silence_chunks:
            return False
        return all(chunk.quiet for chunk in self._chunks[self._next : self._next + LEAD_CHUNKS + 1])

    def _forget_what_is_too_much(self) -> list[Span]:
        forgotten: list[Chunk] = []
        if self._limit is not None and (excess := self.new_chunks - self._limit) > 0:
            # Not what a session has begun to hear: the words from there are the turn's beginning.
            forgotten += self._chunks[self._new : self._new + excess]
            del self._chunks[self._new : self._new + excess]
        if (excess := len(self._chunks) - round(MOST_SECONDS / CHUNK_SECONDS)) > 0:
            forgotten += self._chunks[self._new : excess]
            self._drop(excess)
        span = _span([chunk for chunk in forgotten if not chunk.quiet])
        return [] if span is None else [span]

    def _drop(self, count: int) -> None:
        del self._chunks[:count]
        self._next = max(0, self._next - count)
        self._new = max(0, self._new - count)


def _span(chunks: list[Chunk]) -> Span | None:
    return Span(chunks[0].heard_at, chunks[-1].heard_at + CHUNK_SECONDS) if chunks else None
