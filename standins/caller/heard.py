"""What a caller says and hears. Moments are seconds of the monotonic clock, which all processes share."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence of the caller, as it went into the room."""

    text: str
    started_at: float
    """When its first audible sample left."""
    ended_at: float
    """When its last audible sample left; silence that the voice puts behind it does not count."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent said until it was quiet."""

    answer_ms: float
    """From the end of what the caller did last (spoke, wrote, joined) to the first audible sample. Negative
    when the agent talked over the caller."""
    started_at: float
    ended_at: float
    caption: str
    """The agent's own text of it, as far as it was published."""
    audio: bytes = field(repr=False)
    """As it was heard: signed 16-bit little-endian mono samples at 16 kHz."""

    @property
    def duration_ms(self) -> float:
        """From the first to the last audible sample."""
        return (self.ended_at - self.started_at) * 1000


@dataclass(frozen=True, slots=True)
class Interruption:
    """How the agent took it that the caller talked over it."""

    spoken: Spoken
    heard_ms: float
    """How much of the agent's speech was heard, until it was quiet."""
    quiet_after_ms: float
    """From the caller's first audible sample to the agent's last."""
    caption: str
    audio: bytes = field(repr=False)
