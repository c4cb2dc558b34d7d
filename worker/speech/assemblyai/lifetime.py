"""When a provider session has to make room for the next one. Pure: time is an argument."""

from typing import Final

LONGEST_SECONDS: Final = 3 * 60 * 60
"""AssemblyAI ends a session after three hours (streaming API, close code 3008)."""

LAST_SECONDS: Final = 5.0
"""Before the end, when the session is left whether there is a pause or not."""


class Lifetime:
    """Of one provider session.

    Args:
        expires_in: Seconds until it ends, as its `Begin` says. Beyond three hours, or past, one of the two clocks is
            wrong: then three hours are taken.
        window: Seconds before the end from which a pause is used to leave it.
        now: Seconds on a clock that never jumps.
    """

    def __init__(self, expires_in: float, window: float, now: float) -> None:
        seconds = expires_in if 0 < expires_in <= LONGEST_SECONDS else LONGEST_SECONDS
        self._in_a_pause_from = now + seconds - min(window, seconds / 2)
        self._at_latest = now + seconds - min(LAST_SECONDS, seconds / 4)

    def is_ending(self, now: float) -> bool:
        """Whether the next pause is to be used."""
        return now >= self._in_a_pause_from

    def is_over(self, now: float) -> bool:
        """Whether a pause can no longer be waited for."""
        return now >= self._at_latest
