"""What is written while a call goes from one agent to another is answered by one of them."""

import time
from types import SimpleNamespace
from typing import Any, cast

from livekit.agents import AgentSession, room_io

from tests.speech.memory_recorder import MemoryRecorder
from worker.session.conversation.chat import Chat
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
