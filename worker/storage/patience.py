"""How long to wait before a store is tried again that did not take anything."""

from __future__ import annotations

from random import SystemRandom

LONGEST_S = 300.0
"""A store that is back is found by a sweep after this time at the latest, however long it was away."""

SPREAD = 0.2
"""By how much of itself a pause may be longer where all is well: nodes that were started together drift apart."""

_random = SystemRandom()


class Patience:
    """Pauses that double from `shortest_s` to `longest_s`, each with jitter: not all nodes come back at once."""

    def __init__(self, shortest_s: float, longest_s: float = LONGEST_S) -> None:
        self._shortest_s = shortest_s
        self._longest_s = max(shortest_s, longest_s)
        self._failures = 0

    def after(self, *, failed: bool) -> float:
        """Return the seconds to wait after an attempt; after one that did not fail, the shortest and a little more."""
        if not failed:
            self._failures = 0
            return self._shortest_s * _random.uniform(1.0, 1.0 + SPREAD)
        # The exponent is bounded: an outage of weeks is many failures.
        longest = min(self._shortest_s * 2.0 ** min(self._failures, 20), self._longest_s)
        self._failures += 1
        return longest * _random.uniform(0.5, 1.0)
