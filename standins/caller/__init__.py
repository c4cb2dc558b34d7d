"""A caller with a real voice: joins a room, speaks, listens, interrupts, and measures what it hears.

A library (`Caller`), and a process that follows a script and reports in JSON lines (`CallerProcess` drives one).
"""

from standins.caller.caller import Caller
from standins.caller.errors import CallEndedError, CallerError, NoAgentError, NoAnswerError
from standins.caller.heard import Answer, Interruption, Spoken
from standins.caller.process import CallerProcess
from standins.caller.token import caller_token, phone_attributes

__all__ = [
    "Answer",
    "CallEndedError",
    "Caller",
    "CallerError",
    "CallerProcess",
    "Interruption",
    "NoAgentError",
    "NoAnswerError",
    "Spoken",
    "caller_token",
    "phone_attributes",
]
