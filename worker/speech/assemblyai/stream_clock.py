"""Which moment of the call each moment of a recogniser's stream is. Pure: every time is an argument."""

from bisect import bisect_right
from operator import itemgetter

LEAP_SECONDS = 0.2
"""Audio that comes so much earlier or later than what was sent before lets foresee begins a new stretch."""


class StreamClock:
    """Keeps the way from stream time back to the wall clock. All times are seconds.

    A recogniser counts the audio that it was sent, which is not always sent when it is heard: what waited for
    a connection goes in one burst, and a caller who is away sends none.
    """

    def __init__(self, captured_at: float) -> None:
        self._sent = 0.0
        self._stretches = [(0.0, captured_at)]
        """Stream time and wall clock at which each begins."""

    def begin(self, captured_at: float) -> None:
        """Start anew: stream time zero is `captured_at`."""
        self._sent = 0.0
        self._stretches = [(0.0, captured_at)]

    def send(self, seconds: float, captured_at: float) -> None:
        """Note that audio of `seconds` is sent next, whose first sample was heard at `captured_at`."""
        if self._sent == 0.0:
            self.begin(captured_at)
        elif abs(captured_at - self.wall_clock(self._sent)) > LEAP_SECONDS:
            self._stretches.append((self._sent, captured_at))
        self._sent += seconds

    def wall_clock(self, stream_time: float) -> float:
        """Return when the sample at `stream_time` was heard."""
        at = max(0, bisect_right(self._stretches, stream_time, key=itemgetter(0)) - 1)
        began, captured_at = self._stretches[at]
        return captured_at + stream_time - began

    @property
    def zero(self) -> float:
        """When stream time zero would have been, had all audio come as the newest did."""
        began, captured_at = self._stretches[-1]
        return captured_at - began
