"""What one probe heard from a service: text-free frames with their times, and how the exchange ended."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.contract.without_text import without_text

NO_JSON = "no JSON"
"""The kind of a text frame that cannot be read."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message.

    Attributes:
        kind: Its type (`Turn`, `chat.completion.chunk`), or what it is instead (`a body`, `[DONE]`).
        at_ms: When it came, in milliseconds since the exchange began.
        form: The message without its text.
    """

    kind: str
    at_ms: int
    form: Any


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole exchange with one service, without any text.

    Attributes:
        probe: Name of the probe that made it.
        frames: What came, in order.
        status: HTTP status of the answer or of the upgrade.
        close_code: Code of the close frame, 1006 without one; None where no WebSocket was open.
        content_type: Of an HTTP answer, without its parameters.
        moments: When the client did something that matters, in milliseconds since the exchange began.
        facts: What was measured or seen, such as the sample rate of the audio.
        in_time: Whether it came to its end before the deadline.
    """

    probe: str
    frames: tuple[Frame, ...] = ()
    status: int | None = None
    close_code: int | None = None
    content_type: str | None = None
    moments: dict[str, int] = field(default_factory=dict)
    facts: dict[str, bool | int] = field(default_factory=dict)
    in_time: bool = True

    def of_kind(self, kind: str) -> tuple[Frame, ...]:
        """The frames of one kind."""
        return tuple(frame for frame in self.frames if frame.kind == kind)

    def forms(self, kind: str) -> list[Any]:
        """The forms of the frames of one kind."""
        return [frame.form for frame in self.of_kind(kind)]

    def as_json(self) -> dict[str, Any]:
        """JSON data, for the file that a run leaves."""
        return asdict(self)


class Recorder:
    """Notes an exchange while it goes on. Text is dropped on arrival, so that none can be kept by mistake."""

    def __init__(self, probe: str) -> None:
        self.probe = probe
        self.frames: list[Frame] = []
        self.status: int | None = None
        self.close_code: int | None = None
        self.content_type: str | None = None
        self.moments: dict[str, int] = {}
        self.facts: dict[str, bool | int] = {}
        self.in_time = True
        self._began = time.monotonic()

    def now_ms(self) -> int:
        """Milliseconds since the exchange began."""
        return round(1000 * (time.monotonic() - self._began))

    def moment(self, name: str) -> None:
        """Note that something happens now; the first time counts."""
        self.moments.setdefault(name, self.now_ms())

    def text(self, data: str) -> None:
        """Note a message that should be JSON."""
        try:
            message = json.loads(data)
        except json.JSONDecodeError:
            self.frames.append(Frame(NO_JSON, self.now_ms(), None))
        else:
            self.message(message)

    def message(self, message: Any) -> None:
        """Note a message."""
        form = without_text(message)
        self.frames.append(Frame(_kind(form), self.now_ms(), form))

    def mark(self, kind: str) -> None:
        """Note something that is no message, such as the last line of a stream."""
        self.frames.append(Frame(kind, self.now_ms(), None))

    @property
    def answered(self) -> bool:
        """Whether there was any sign of the service."""
        return self.status is not None or "connected" in self.moments

    def recording(self) -> Recording:
        """The exchange as it is now."""
        return Recording(
            probe=self.probe,
            frames=tuple(self.frames),
            status=self.status,
            close_code=self.close_code,
            content_type=self.content_type,
            moments=dict(self.moments),
            facts=dict(self.facts),
            in_time=self.in_time,
        )


def _kind(form: Any) -> str:
    for name in _names_of_kind(form):
        if name not in ("text", "no text"):
            return name
    return "an error body" if isinstance(form, dict) and "error" in form else "a body"


def _names_of_kind(form: Any) -> Iterator[str]:
    if isinstance(form, dict):
        yield from (form[name] for name in ("type", "object") if isinstance(form.get(name), str))
