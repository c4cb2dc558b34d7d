"""Why a call ended, decided from what was seen. Pure."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal["caller_left", "room_closed", "goodbye", "error", "handover", "superseded"]


@dataclass(slots=True)
class Signs:
    """What was seen of the call's end."""

    entry_failed: str | None = None
    """Class of the exception that ended the job's entry, if one did."""
    process_ended: str | None = None
    """What ended the process in the middle of the call, such as `SystemExit`, if something did."""
    session_error: str | None = None
    """Sentence of the error that closed the session, if one did."""
    ended_by_us: "Ending | None" = None
    """How the watchdogs ended the call, if they did."""
    agent_closed: bool = False
    """The agent itself ended the session."""
    caller_left: str | None = None
    """How the caller who was listened to left (LiveKit's disconnect reason, lower case), unless back."""
    room_ended: str | None = None
    """Why the room connection ended (LiveKit's disconnect reason, lower case), if it did."""
    picked_up: bool = True
    """The caller's phone was picked up, if they are on one that the agent called."""
    anything_said: bool = True
    """Either side said something."""
    joined: bool = True
    """The agent was in the job's room."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the part ended: `reason` as in the transcript, and a detail in words."""

    reason: Reason
    detail: str


UNKNOWN = "unknown_reason"

CONNECTION_LOST = "the connection to the room ended"
"""How the detail begins where the room may still be there, and the caller in it."""

SHUT_DOWN = Ending("error", "the worker was shut down during the call")
"""Nothing here ended the call, so that another agent may go on with it: a server that was away for some seconds takes
its agents' new connections for their end, and ends their jobs (livekit-server 1.13.5, `rtc/room.go`,
`RemoveParticipant`)."""

GOODBYE_OF_A_CLIENT = ("client_initiated", "user_rejected")


def ending(signs: Signs) -> Ending:
    """Return the reason to store for `signs`; a cause of our own wins over what followed from it."""
    if signs.entry_failed is not None:
        return Ending("error", f"the call could not be set up ({signs.entry_failed})")
    if signs.process_ended is not None:
        return Ending("error", f"the agent's code ended the process ({signs.process_ended})")
    if not signs.joined:
        return Ending("room_closed", "the call was over before the agent was in the room")
    if signs.ended_by_us is not None:
        return signs.ended_by_us
    if signs.session_error is not None:
        return Ending("error", signs.session_error)
    if signs.room_ended == "duplicate_identity":
        return Ending("superseded", "another agent took the call over")
    if signs.agent_closed:
        return Ending("goodbye", "the agent ended the call")
    if signs.room_ended == "room_deleted" or signs.caller_left == "room_deleted":
        return Ending("room_closed", "the room was deleted")
    if signs.caller_left == "sip_trunk_failure":
        return Ending("error", "the phone call could not be made (sip_trunk_failure)")
    if signs.caller_left == "user_unavailable" or (signs.caller_left is not None and not signs.picked_up):
        refused = signs.caller_left == "user_rejected"
        return Ending("caller_left", "the phone call was refused" if refused else "the phone was not answered")
    if signs.caller_left in GOODBYE_OF_A_CLIENT and not signs.anything_said:
        return Ending("caller_left", "the caller hung up before anything was said")
    if signs.caller_left in GOODBYE_OF_A_CLIENT:
        return Ending("caller_left", "the caller hung up")
    if signs.caller_left == UNKNOWN and signs.room_ended not in (None, "room_closed"):
        # Who loses the room sees everybody leave it, for no reason.
        return Ending("room_closed", f"{CONNECTION_LOST} ({signs.room_ended})")
    if signs.caller_left is not None:
        return Ending("caller_left", f"the caller's connection was lost ({signs.caller_left})")
    if signs.room_ended == "room_closed":
        return Ending("room_closed", "the room was empty")
    if signs.room_ended is not None:
        return Ending("room_closed", f"{CONNECTION_LOST} ({signs.room_ended})")
    return SHUT_DOWN
