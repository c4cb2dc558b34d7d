"""What the stand-in saw and sent, for tests to compare with. Times are Unix seconds."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

OUTCOMES = ("open", "finished", "refused", "faulted", "client_gone")


@dataclass(slots=True)
class ChatEntry:
    """One chat completion: the request as it came, and what was answered."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    model: str
    received_at: float = field(default_factory=time.time)
    answer: str | None = None
    """The whole answer, also when only a part was sent."""
    tool_call: dict[str, str] | None = None
    pieces_sent: int = 0
    first_piece_at: float | None = None
    ended_at: float | None = None
    outcome: str = "open"


@dataclass(slots=True)
class SpeechEntry:
    """One speech request: the text to speak, and how much audio was sent."""

    input: str
    voice: str
    model: str
    response_format: str
    stream_format: str
    received_at: float = field(default_factory=time.time)
    audio_ms: float = 0.0
    pieces_sent: int = 0
    first_piece_at: float | None = None
    ended_at: float | None = None
    outcome: str = "open"


Entry = ChatEntry | SpeechEntry


@dataclass(slots=True)
class Log:
    """All requests since the start, in the order in which they came."""

    chat: list[ChatEntry] = field(default_factory=list)
    speech: list[SpeechEntry] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The form of `GET /control/log`."""
        return {
            "chat": [asdict(entry) for entry in self.chat],
            "speech": [asdict(entry) for entry in self.speech],
        }


def sent(entry: Entry) -> None:
    """Notes that one more piece of the answer went out."""
    entry.pieces_sent += 1
    if entry.first_piece_at is None:
        entry.first_piece_at = time.time()


def ended(entry: Entry, outcome: str) -> None:
    """Notes the end of a request, once."""
    if entry.outcome == "open":
        entry.outcome, entry.ended_at = outcome, time.time()
