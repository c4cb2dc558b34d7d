"""Speech that nobody is left to hear.

When the caller has gone, the framework interrupts what is being said, and then lets end what begins while it closes
the session (livekit-agents 1.8.9, `voice/agent_session.py`, `_teardown_activity`). The answer to the last words is
one: it would be spoken to nobody to its end, and one that waits for the caller to fall silent waits for ever, and the
close with it (`voice/agent_activity.py`, `_reconcile_playout_pause`).
"""

from typing import Any

from livekit.agents import AgentSession, SpeechCreatedEvent
from livekit.agents.voice import SpeechHandle


class Unheard:
    """Ends every speech of a session once nobody listens any more. Make it before the session starts."""

    def __init__(self, session: AgentSession[Any]) -> None:
        self._speeches: set[SpeechHandle] = set()
        self._nobody_listens = False
        session.on("speech_created", self._created)

    def nobody_listens(self) -> None:
        """End what is being said, what waits to be said, and whatever is to be said from now on."""
        self._nobody_listens = True
        for speech in tuple(self._speeches):
            speech.interrupt(force=True)

    def somebody_listens(self) -> None:
        """Let end what is to be said from now on."""
        self._nobody_listens = False

    def _created(self, event: SpeechCreatedEvent) -> None:
        speech = event.speech_handle
        self._speeches.add(speech)
        speech.add_done_callback(self._speeches.discard)
        if self._nobody_listens:
            speech.interrupt(force=True)
