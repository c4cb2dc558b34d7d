"""What a session received and sent: the oracle of tests."""

import time
from dataclasses import dataclass, field
from typing import Any

from standins.assemblyai.messages import Message

# What RFC 6455 calls a connection that ended without a close frame.
NO_CLOSE_FRAME = 1006


@dataclass(slots=True)
class SessionRecord:
    """One session, as `GET /control/log` shows it. Wall-clock times are Unix seconds.

    Attributes:
        id: As in `Begin`.
        query: The connection's parameters; a token is left out.
        opened_at: When the connection was upgraded.
        audio_ms: Audio received, in milliseconds.
        lead_ms: By how much it was ahead of real time at most, in milliseconds.
        terminated: Whether the client sent Terminate.
        updates: The `UpdateConfiguration` messages received.
        forced: How many ForceEndpoint were received.
        early: Non-final Turns that carry an `utterance` or an `end_of_turn_confidence` of 0.4 or more.
        finals: The finals sent.
        closed_at: When it was over.
        close_code: The code of the close frame, whoever sent it; 1006 if there was none.
    """

    id: str
    query: dict[str, str]
    opened_at: float = field(default_factory=time.time)
    audio_ms: float = 0.0
    lead_ms: float = 0.0
    terminated: bool = False
    updates: list[dict[str, Any]] = field(default_factory=list)
    forced: int = 0
    early: list[dict[str, Any]] = field(default_factory=list)
    finals: list[dict[str, Any]] = field(default_factory=list)
    closed_at: float | None = None
    close_code: int | None = None

    def received(self, audio_ms: float, elapsed_ms: float) -> None:
        """Notes audio that came so long after the session's beginning."""
        self.audio_ms += audio_ms
        self.lead_ms = max(self.lead_ms, self.audio_ms - elapsed_ms)

    def sent(self, message: Message) -> None:
        """Notes a message that went out, if it is one that matters."""
        if message["type"] != "Turn":
            return
        noted = {
            "turn_order": message["turn_order"],
            "text": message["transcript"],
            "utterance": message["utterance"],
            "is_formatted": message["turn_is_formatted"],
            "confidence": message["end_of_turn_confidence"],
            "words": message["words"],
            "sent_at": time.time(),
        }
        if message["end_of_turn"]:
            self.finals.append(noted)
        elif message["utterance"] or message["end_of_turn_confidence"] >= 0.4:
            self.early.append(noted)

    def close(self, code: int | None) -> None:
        """Notes the end of the connection; the first note counts."""
        if self.closed_at is not None:
            return
        self.closed_at = time.time()
        self.close_code = NO_CLOSE_FRAME if code is None else code
