"""An agent that takes a call over is deaf and dumb until the one before it lets go, whatever fails on the way."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc

from config import Settings
from tests.session.handover.test_taking_over import OLD, Room
from tests.speech.memory_recorder import MemoryRecorder
from worker.errand import Errand
from worker.session.handover import relay as module
from worker.session.handover.protocol import Cut
from worker.session.handover.relay import Relay, Senses
from worker.session.resuming.before import Before

PATIENCE_S = 5.0


class Agent:
    """What the senses of one agent were told, in order."""

    def __init__(self, room: Room, settings: Settings | None = None, part: int = 2) -> None:
        self.room = room
        self.told: list[str] = []
        self.began = asyncio.Event()
        self.recorder = MemoryRecorder()
        self.keys_are_heard = True
        self.relay = Relay(
            settings or Settings(),
            cast("rtc.Room", room),
            cast("Any", SimpleNamespace(id="AJ_2")),
            Errand(part=part, resume_of="AJ_1"),
            Senses(
                **{name: cast("Any", self) for name in ("session", "stt", "roster", "unheard", "announcer")},
                chat=cast("Any", SimpleNamespace(hold=self.hold, listen=self.read)),
                end=lambda _: None,
            ),
        )

    def hold(self) -> None:
        self.told.append("hold")

    def nobody_listens(self) -> None:
        self.told.append("be silent")

    def somebody_listens(self) -> None:
        self.told.append("speak")

    def listen(self, since: float) -> None:
        self.told.append("listen")

    async def read(self, since: float) -> None:
        self.told.append("read")

    def generate_reply(self) -> None:
        self.told.append("answer")

    async def look_back(self) -> Before:
        self.told.append("remember")
        return Before()

    def begin(self, look_back: Callable[[], Any] | None = None) -> None:
        self.relay.begin(None, cast("Any", self.recorder), look_back or self.look_back, self.began.set)

    async def let_go(self, cut: Cut) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.room.ready.wait()
            await self.room.call(OLD, cut.encode())
            await self.began.wait()
            await asyncio.sleep(0)


WAITING = ["hold", "hold", "be silent"]
GOING_ON = ["remember", "speak", "listen"]


async def test_where_no_other_agent_speaks_the_call_begins_at_once() -> None:
    room = Room()
    room.remote_participants.clear()
    agent = Agent(room)
    agent.begin()
    assert agent.began.is_set()
    assert agent.told == []


async def test_it_listens_and_speaks_only_when_the_agent_before_it_has_let_go(recorder: MemoryRecorder) -> None:
    agent = Agent(Room())
    assert (agent.told, agent.keys_are_heard) == (WAITING, False)
    agent.begin()
    await agent.room.ready.wait()
    assert (agent.told, agent.began.is_set()) == (WAITING, False)
    await agent.let_go(Cut(0.2))
    assert agent.told == [*WAITING, *GOING_ON, "read"]
    assert agent.keys_are_heard
    await agent.relay.aclose()


async def test_it_gives_the_answer_that_is_owed_and_then_reads_what_was_written() -> None:
    agent = Agent(Room())
    agent.begin()
    await agent.let_go(Cut(0.2, owes_answer=True))
    assert agent.told == [*WAITING, *GOING_ON, "answer", "read"]
    await agent.relay.aclose()


async def test_it_goes_on_though_nothing_can_be_remembered() -> None:
    async def fails() -> Before:
        raise OSError("the disk is gone")

    agent = Agent(Room())
    agent.begin(fails)
    await agent.let_go(Cut(0.2))
    assert agent.told == [*WAITING, "speak", "listen", "read"]
    await agent.relay.aclose()


async def test_a_call_that_ends_meanwhile_is_taken_over_by_nobody() -> None:
    agent = Agent(Room())
    agent.begin()
    await agent.room.ready.wait()
    await agent.relay.aclose()
    assert agent.told == WAITING
    assert agent.room.methods == {}


@pytest.mark.parametrize(("url", "waits"), [("file:///transcripts", False), ("s3://calls", True)])
async def test_on_another_node_the_last_words_are_known_when_they_are_stored(
    url: str, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AWAY_SECONDS", PATIENCE_S)
    stored = asyncio.Event()
    told: list[bool] = []

    class HandingOver:
        async def let_go(self) -> None:
            told.append(stored.is_set())

    async def publish() -> None:
        await asyncio.sleep(0.01)
        stored.set()

    agent = Agent(Room(), Settings.model_validate({"storage": {"url": url}}))
    agent.relay._handing_over = cast("Any", HandingOver())
    publishing = asyncio.create_task(publish())
    await agent.relay.let_go(publishing)
    assert told == [waits]
    await publishing
