"""What can go wrong in a call, seen from the caller.

CallerError
 ├─ NoAgentError   nobody came to talk to
 ├─ NoAnswerError  the agent said nothing, or did not stop talking
 └─ CallEndedError the room is gone
"""


class CallerError(RuntimeError):
    """The call did not go as the caller expected."""


class NoAgentError(CallerError):
    """No agent with a voice was in the room by the deadline."""


class NoAnswerError(CallerError):
    """No complete answer was heard by the deadline."""


class CallEndedError(CallerError):
    """The connection ended without the caller's doing; the sentence holds the server's reason."""
