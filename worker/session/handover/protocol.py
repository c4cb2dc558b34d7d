"""How one agent's call becomes another's, while both are in the room.

The agent that leaves has another one dispatched, as the next part, and goes on as if nothing were. The new one joins,
keeps what it hears and says nothing, and shows in an attribute that it is ready. At the next pause the old one stops
listening and speaking, writes down its last words, and lets go: one call to the new one's method, which tells from
where on nobody has listened. Only then does the new one recognise, speak and answer. So there are never two who
speak, and what is said between is heard by one of them.

Both are known by the identities that the server gave them; nobody else in the room can say what they say.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

from livekit import rtc

READY: Final = "verbatim.handover"
"""Attribute of the new agent; `ready` once it could take over."""

METHOD: Final = "verbatim.take_over"
"""Method of the new agent that the old one calls (LiveKit RPC); its payload is a `Cut`."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where one agent's listening ends and the other's begins."""

    seconds_ago: float
    """How long before this is said the old agent stopped listening."""
    owes_answer: bool = False
    """Whether the caller waits for an answer that the old agent did not give, or not to its end."""

    def encode(self) -> str:
        """Return it as the payload of a call."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, payload: str) -> "Cut":
        """Read a payload.

        Raises:
            ValueError: it is none.
        """
        try:
            told = json.loads(payload)
            return cls(max(0.0, float(told["seconds_ago"])), bool(told["owes_answer"]))
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError("no cut between two agents") from error


def is_agent(participant: rtc.RemoteParticipant | None) -> bool:
    """Return whether it is one; the kind is the server's word, and cannot be claimed."""
    return participant is not None and participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
