"""How long is waited after a failure, and when it is given up. Pure: time and chance are arguments."""

import random
from collections.abc import Callable

from worker.speech.assemblyai.decisions import Action, Decision
from worker.speech.assemblyai.patience import Patience


class Persistence:
    """Counts the failures since the recogniser last worked.

    Args:
        patience: The bounds.
        chance: A number from 0 to 1, another each time; `random.random` if left out.
    """

    def __init__(self, patience: Patience, chance: Callable[[], float] = random.random) -> None:
        self._patience = patience
        self._chance = chance
        self._failing_since: float | None = None
        self._failures = 0
        self._reconfigured: set[str] = set()

    def recovered(self) -> None:
        """The recogniser works: what failed before is forgotten."""
        self._failing_since = None
        self._failures = 0
        self._reconfigured.clear()

    def wait(self, decision: Decision, now: float) -> float | None:
        """Return the seconds to wait before the next session, or None: give up.

        Args:
            decision: What the failure means.
            now: Seconds on a clock that never jumps.
        """
        if self._failing_since is None:
            self._failing_since = now
        self._failures += 1
        if decision.action is Action.GIVE_UP or self._was_in_vain(decision):
            return None
        delay = self._delay(decision)
        return None if now + delay - self._failing_since > self._patience.give_up_seconds else delay

    def _was_in_vain(self, decision: Decision) -> bool:
        if decision.action is not Action.RECONFIGURE:
            return False
        tried = decision.code in self._reconfigured
        self._reconfigured.add(decision.code)
        return tried

    def _delay(self, decision: Decision) -> float:
        if decision.retry_after is not None:
            # Never earlier than asked for; a little later, for all calls were told the same.
            return decision.retry_after + self._chance() * self._patience.back_off_seconds / 4
        if decision.action is Action.BACK_OFF:
            return self._growing(self._patience.back_off_seconds, self._failures)
        if self._failures == 1:
            return self._chance() * self._patience.spread_seconds
        return self._growing(self._patience.retry_seconds, self._failures - 1)

    def _growing(self, first: float, times: int) -> float:
        longest = self._patience.longest_wait_seconds
        return float(min(first * 2 ** min(times - 1, 10), longest) * (0.5 + self._chance() / 2))
