"""An event loop's time, which passes when the test says so."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class VirtualTimer:
    at: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class VirtualClock:
    """Stands for a loop where only its time is wanted."""

    now: float = 50.0
    timers: list[VirtualTimer] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> VirtualTimer:
        self.timers.append(VirtualTimer(self.now + delay, callback))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due happen in its order."""
        until = round(self.now + seconds, 6)
        while due := [timer for timer in self.timers if not timer.cancelled and timer.at <= until]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = max(self.now, first.at)
            first.callback()
        self.now = until
