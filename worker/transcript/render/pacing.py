"""When each letter of a turn was said."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from worker.transcript.model import Turn


def letters(text: str) -> int:
    """Return how many letters and digits `text` has: what a recogniser's words and the written text share."""
    return sum(map(str.isalnum, text))


class Pace:
    """The times of a turn by the letters said so far, from its words, and evenly where those tell none."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._counts: list[float] = [0]
        self._times: list[int] = [turn.started_ms]
        total = letters(turn.text)
        spoken = max(1, sum(letters(word.text) for word in turn.words))
        said = 0
        for word in turn.words:
            self._add(said * total / spoken, word.start_ms)
            said += letters(word.text)
            self._add(said * total / spoken, word.end_ms)
        self._add(total, turn.ended_ms)

    def _add(self, count: float, ms: int | None) -> None:
        """Note a time, which is within the turn and not before the one noted last."""
        if ms is not None:
            self._counts.append(count)
            self._times.append(min(max(ms, self._times[-1]), self._turn.ended_ms))

    def start(self, count: int) -> int:
        """Return when what comes after `count` letters begins, in milliseconds."""
        place = bisect_right(self._counts, count) - 1
        return self._times[place] if self._counts[place] == count else self._between(place, count)

    def end(self, count: int) -> int:
        """Return when `count` letters have been said, in milliseconds."""
        place = bisect_left(self._counts, count)
        return self._times[place] if self._counts[place] == count else self._between(place - 1, count)

    def pause(self, count: int) -> int:
        """Return how long nothing was said after `count` letters, in milliseconds."""
        return self.start(count) - self.end(count)

    def _between(self, place: int, count: int) -> int:
        before, after = self._counts[place], self._counts[place + 1]
        began, ended = self._times[place], self._times[place + 1]
        return round(began + (ended - began) * (count - before) / (after - before))
