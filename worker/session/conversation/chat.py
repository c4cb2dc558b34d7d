"""What people write to the agent in the room.

Every agent in a room gets all of it. While one takes a call over from another, one of the two answers: what is written
until the cut between them is the old one's, the rest the new one's.
"""

import time
from typing import Any, Final

from livekit import rtc
from livekit.agents import AgentSession, ChatMessage, room_io
from livekit.agents.types import TOPIC_CHAT

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


class Doorstep:
    """Keeps what somebody wrote until the room knows them.

    Text and the news of who joined come by different ways: who writes as soon as the agent is seen may be the first to
    tell of themselves, above all when both have lost the server and are back at the same moment. The framework drops
    what strangers write.

    Bent: the framework's own handler is called from here (livekit-agents 1.8.9, `voice/room_io/room_io.py`).

    Args:
        room: where people write.
        io: of the session, which has been started in it.
    """

    def __init__(self, room: rtc.Room, io: room_io.RoomIO) -> None:
        self._room = room
        self._io = io
        self._kept: dict[str, list[rtc.TextStreamReader]] = {}
        room.unregister_text_stream_handler(TOPIC_CHAT)
        room.register_text_stream_handler(TOPIC_CHAT, self._written)
        room.on("participant_connected", self._joined)

    def _written(self, text: rtc.TextStreamReader, sender: str) -> None:
        if sender in self._room.remote_participants:
            self._io._on_chat_text_stream(text, sender)
        else:
            self._kept.setdefault(sender, []).append(text)

    def _joined(self, participant: rtc.RemoteParticipant) -> None:
        for text in self._kept.pop(participant.identity, ()):
            self._io._on_chat_text_stream(text, participant.identity)
