"""How fast audio may be sent. Pure: time is an argument."""

from typing import Final

BURST_SECONDS: Final = 1.0
"""Audio that may go at once: the longest message that AssemblyAI takes (streaming API, "Audio requirements")."""


class Pace:
    """Lets audio pass at a multiple of real time.

    Args:
        speed: Seconds of audio a second.
        now: Seconds on a clock that never jumps.
    """

    def __init__(self, speed: float, now: float) -> None:
        self._speed = speed
        self._credit = BURST_SECONDS
        self._at = now

    def wait(self, seconds: float, now: float) -> float:
        """Return how long to wait before audio of `seconds` may go, 0 if it may go now."""
        self._credit = min(BURST_SECONDS, self._credit + self._speed * (now - self._at))
        self._at = now
        # What is left of a rounding error must not be waited for.
        return max(0.0, seconds - self._credit - 1e-6) / self._speed

    def sent(self, seconds: float) -> None:
        """Note that audio of `seconds` went."""
        self._credit -= seconds
