"""Whether a server that says nothing is dead. Pure: it counts audio."""

MOST_DOUBLINGS = 6


class ServerSilence:
    """Notices a server that is silent while the caller speaks, or in the middle of a turn.

    What sounds like speech to the local voice detection need not be any. So each time that a new session was silent
    like the one before it, twice as much is waited for.

    Args:
        seconds: Of the caller's speech without a message.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._doublings = 0
        self._speech = 0.0
        self._turn = 0.0

    def begins(self) -> None:
        """A session began."""
        self._speech = self._turn = 0.0

    def breaks(self) -> None:
        """The server recognises: there was a message about what is said."""
        self._speech = self._turn = 0.0
        self._doublings = 0

    def sent(self, seconds: float, *, speaking: bool, turn_open: bool) -> None:
        """Note that audio of `seconds` went while the caller spoke or not, and had a turn open or not."""
        self._speech += seconds if speaking else 0.0
        self._turn = self._turn + seconds if turn_open else 0.0

    @property
    def doubtful(self) -> bool:
        """Whether the caller spoke since the server last said something."""
        return self._speech > 0

    def is_dead(self, turn_ends_after: float) -> bool:
        """Whether the server must be taken for dead.

        Args:
            turn_ends_after: Seconds of silence that end a turn at the latest.
        """
        bound = self._seconds * float(2 ** min(self._doublings, MOST_DOUBLINGS))
        return self._speech > bound or self._turn > bound + turn_ends_after

    def taken_for_dead(self) -> None:
        """The session is left for a new one, of which more is expected."""
        self._doublings += 1
