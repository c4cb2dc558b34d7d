"""A whole session in memory: what the caller says is what the test lets the recogniser hear."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import pytest
from livekit.agents import Agent

from tests.session.conftest import Stage
from tests.session.memory_audio import Microphone, Speaker
from tests.speech.memory_recorder import PATIENCE_S
from tests.speech.scripted_server import Connection, final, turn
from tests.transcript.journals import told
from worker.transcript.events import UserFinal
from worker.transcript.model import Transcript, Turn

SAID = "Two pizzas, please."
WORDS = final(SAID, speaker_label="B", language_code="en")


@dataclass
class Scene:
    """A call in memory: what the caller says is what the test lets the recogniser hear."""

    stage: Stage
    speaker: Speaker

    async def begin(self, agent: Agent) -> Connection:
        """Start the session; return the recogniser's side, which has audio by then."""
        self.stage.server.steps = [_listen]
        self.stage.session.input.audio = Microphone(level=100)
        self.stage.session.output.audio = self.speaker
        await self.stage.session.start(agent)
        connection = await self.stage.server.connection()
        await connection.until(lambda self: bool(self.chunks))
        return connection

    async def say(self, connection: Connection) -> None:
        """Have one turn recognised, and written."""
        await connection.send({"type": "SpeechStarted", "timestamp": 0}, turn("Two pizzas"), WORDS)
        await self.stage.recorder.until(UserFinal)

    def transcript(self) -> Transcript:
        """What a reader would find now."""
        return told(*((index, event) for index, event in enumerate(self.stage.recorder.events, start=1)))

    def user_turn(self) -> Turn:
        (turn,) = [turn for turn in self.transcript().turns if turn.role == "user"]
        return turn

    def assert_all_of_it_is_there(self) -> None:
        turn = self.user_turn()
        assert turn.text == SAID
        assert [word.text for word in turn.words] == SAID.split()
        assert all(word.start_ms is not None and word.end_ms is not None for word in turn.words)
        assert (turn.speaker, turn.language, turn.confidence) == ("B", "en", pytest.approx(0.9))
        assert not turn.unfinished


async def _listen(connection: Connection) -> None:
    await connection.begin()
    await connection.end()


async def patiently(what: Awaitable[object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await what


def waiter() -> Agent:
    return Agent(instructions="Take orders.")
