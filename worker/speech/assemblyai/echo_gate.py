"""Keeps the agent's own voice, as a phone line gives it back, from the recogniser. Pure: time is an argument."""

from typing import Final

TAIL_SECONDS: Final = 0.5
"""How long after the agent's last word its echo may still come: the way there and back."""

OPEN_SECONDS: Final = 0.3
"""How long everything passes after a sound that is louder: words end more quietly than they are."""


class EchoGate:
    """Puts silence in place of what is quiet while the agent speaks.

    Args:
        level: Loudest peak of an echo, in dBFS (0 is the loudest that there is).
    """

    def __init__(self, level: float) -> None:
        self._peak = 32768 * 10 ** (level / 20)
        self._agent_speaks = False
        self._echo_until = 0.0
        self._open_until = 0.0
        self.is_closed = False
        """Whether the newest sound was kept back: what the local voice detection hears then is no caller."""

    def agent_speaks(self, speaks: bool, now: float) -> None:
        """The agent begins to speak, or is silent again; `now` in Unix seconds."""
        if self._agent_speaks and not speaks:
            self._echo_until = now + TAIL_SECONDS
        self._agent_speaks = speaks

    def passed(self, samples: bytes, heard_at: float) -> bytes:
        """Return what the recogniser is given of `samples` (16 bit, mono), heard at that time in Unix seconds."""
        values = memoryview(samples).cast("h")
        if max(max(values, default=0), -min(values, default=0)) > self._peak:
            self._open_until = heard_at + OPEN_SECONDS
        may_be_echo = self._agent_speaks or heard_at < self._echo_until
        self.is_closed = may_be_echo and heard_at >= self._open_until
        return bytes(len(samples)) if self.is_closed else samples
