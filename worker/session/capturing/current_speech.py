"""Whose speech the running task works for.

The framework begins to synthesise a reply while the one before it is still played, so that the session's
current speech is not always the one that is being made. Each speech's tasks carry its handle in a context
variable (livekit-agents 1.8.9, `voice/agent_activity.py`).

Bent: the variable is private; `tests/session/capturing/test_current_speech.py` fails when the framework changes it.
"""

from typing import Any

from livekit.agents import AgentSession
from livekit.agents.voice.agent_activity import _SpeechHandleContextVar


def current_speech(session: AgentSession[Any] | None) -> str | None:
    """Return the id of the speech that this task works for, else of the one that is being played, else None."""
    handle = _SpeechHandleContextVar.get(None)
    if handle is None and session is not None:
        handle = session.current_speech
    return None if handle is None else handle.id
