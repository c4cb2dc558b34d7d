"""What is written while a call goes from one agent to another is answered by one of them."""

import inspect
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from livekit import rtc
from livekit.agents import AgentSession, room_io
from livekit.agents.types import TOPIC_CHAT

from tests.speech.memory_recorder import MemoryRecorder
from worker.session.conversation.chat import Chat, Doorstep
from worker.transcript.events import UserFinal


class Session:
    """Notes what it is asked to answer."""

    def __init__(self) -> None:
        self.answered: list[str] = []

    async def interrupt(self) -> None:
        pass

    def generate_reply(self, *, user_input: Any) -> None:
        self.answered.append(user_input.text_content)


async def write(chat: Chat, session: Session, text: str) -> None:
    message = cast("room_io.TextInputEvent", SimpleNamespace(text=text, participant=None))
    await chat.take(cast("AgentSession[Any]", session), message)


async def test_what_is_written_is_journaled_and_answered(recorder: MemoryRecorder) -> None:
    session = Session()
    await write(Chat(recorder, "ada"), session, "Hello?")
    assert session.answered == ["Hello?"]
    assert recorder.of(UserFinal) == [UserFinal(participant="ada", text="Hello?", source="chat")]


async def test_what_is_written_after_the_cut_is_the_new_agent_s(recorder: MemoryRecorder) -> None:
    old, new = Chat(recorder), Chat(recorder)
    answers, later_answers = Session(), Session()
    new.hold()
    for chat, session in ((old, answers), (new, later_answers)):
        await write(chat, session, "Before.")
    old.end()
    cut = time.monotonic()
    for chat, session in ((old, answers), (new, later_answers)):
        await write(chat, session, "After.")
    assert (answers.answered, later_answers.answered) == (["Before."], [])
    await new.listen(cut)
    assert later_answers.answered == ["After."]
    assert [event.text for event in recorder.of(UserFinal)] == ["Before.", "After."]
    await write(new, later_answers, "Later.")
    assert later_answers.answered == ["After.", "Later."]


class Room:
    """A room in which somebody writes and joins."""

    def __init__(self) -> None:
        self.remote_participants: dict[str, object] = {}
        self.handlers: dict[str, Callable[..., None]] = {TOPIC_CHAT: lambda *_: None}
        self.joined: Callable[..., None] = lambda *_: None

    def on(self, event: str, handler: Callable[..., None]) -> None:
        assert event == "participant_connected"
        self.joined = handler

    def unregister_text_stream_handler(self, topic: str) -> None:
        del self.handlers[topic]

    def register_text_stream_handler(self, topic: str, handler: Callable[..., None]) -> None:
        assert topic not in self.handlers
        self.handlers[topic] = handler

    def write(self, text: str, sender: str) -> None:
        self.handlers[TOPIC_CHAT](text, sender)

    def join(self, identity: str) -> None:
        participant = self.remote_participants[identity] = SimpleNamespace(identity=identity)
        self.joined(participant)


def test_what_comes_before_its_sender_is_kept_until_they_have_joined() -> None:
    room, taken = Room(), list[tuple[str, str]]()
    io = SimpleNamespace(_on_chat_text_stream=lambda text, sender: taken.append((text, sender)))
    Doorstep(cast("rtc.Room", room), cast("room_io.RoomIO", io))
    room.write("One.", "ada")
    room.write("Two.", "ada")
    room.join("bob")
    room.write("Hello.", "bob")
    assert taken == [("Hello.", "bob")]
    room.join("ada")
    room.write("Three.", "ada")
    assert taken[1:] == [("One.", "ada"), ("Two.", "ada"), ("Three.", "ada")]


def test_the_framework_still_takes_what_is_written_where_it_is_called() -> None:
    assert list(inspect.signature(room_io.RoomIO._on_chat_text_stream).parameters) == [
        "self", "reader", "participant_identity",
    ]  # fmt: skip
