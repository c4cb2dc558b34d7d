"""What people write to the agent in the room.

Every agent in a room gets all of it. While one takes a call over from another, one of the two answers: what is written
until the cut between them is the old one's, the rest the new one's.
"""

import time
from typing import Any, Final

from livekit.agents import AgentSession, ChatMessage, room_io

from worker.speech.recorder import Recorder
from worker.transcript.events import UserFinal

CHAT: Final = {"source": "chat"}
"""Marks messages that were typed, which are journaled before the session gets them."""


class Chat:
    """Journals what is written, and has it answered.

    Args:
        recorder: takes what is typed.
        participant: identity of the caller, for a message without a sender.
    """

    def __init__(self, recorder: Recorder, participant: str = "") -> None:
        self._recorder = recorder
        self.participant = participant
        self._ended = False
        self._kept: list[tuple[float, AgentSession[Any], room_io.TextInputEvent]] | None = None

    def hold(self) -> None:
        """Keep what is written: another agent still answers."""
        self._kept = []

    def end(self) -> None:
        """Leave what is written from now on to another agent."""
        self._ended = True

    async def listen(self, since: float) -> None:
        """Take what was written since that moment (monotonic seconds), and from now on."""
        kept, self._kept = self._kept or [], None
        for at, session, message in kept:
            if at >= since:
                await self.take(session, message)

    async def take(self, session: AgentSession[Any], message: room_io.TextInputEvent) -> None:
        """Take one message."""
        if self._ended:
            return
        if self._kept is not None:
            self._kept.append((time.monotonic(), session, message))
            return
        sender = message.participant.identity if message.participant is not None else self.participant
        await self._recorder.append(UserFinal(participant=sender, text=message.text, source="chat"))
        await session.interrupt()
        session.generate_reply(user_input=ChatMessage(role="user", content=[message.text], extra=CHAT.copy()))
