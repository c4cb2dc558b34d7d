"""The old agent goes on until another one is ready, stops in a pause, and lets go once; else it says goodbye."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.protocol.agent import Job
from livekit.protocol.models import Room as RoomInfo

from config import Settings
from worker import errand
from worker.errand import Errand
from worker.session.closing.ending import Ending
from worker.session.handover import handing_over as module
from worker.session.handover.handing_over import HandingOver
from worker.session.handover.protocol import METHOD, READY, Cut

PATIENCE_S = 5.0
NEW = "agent-verbatim-3"
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
SHORT = {"OFFER_SECONDS": 0.05, "LOOK_SECONDS": 0.005, "PAUSE_SECONDS": 0.03, "PAUSE_WITHIN_SECONDS": 0.3}


@dataclass
class Server:
    """The server's dispatches; a worker takes an offer when the test says so."""

    workers: bool = True
    metadata: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)

    @property
    def agent_dispatch(self) -> "Server":
        return self

    async def create_dispatch(self, wanted: Any) -> Any:
        self.metadata.append(wanted.metadata)
        return SimpleNamespace(id=f"AD_{len(self.metadata)}")

    async def get_dispatch(self, dispatch: str, _: str) -> Any:
        job = SimpleNamespace(state=SimpleNamespace(participant_identity=NEW))
        return SimpleNamespace(state=SimpleNamespace(jobs=[job] if self.workers else []))

    async def delete_dispatch(self, dispatch: str, _: str) -> None:
        self.withdrawn.append(dispatch)


@dataclass
class Call:
    """What the old agent works with; `done` is what it did, in order."""

    server: Server = field(default_factory=Server)
    done: list[str] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    ended: Ending | None = None
    looks: int = 0
    user_state: str = "listening"
    current_speech: object = None
    words_pending: bool = False
    remote_participants: dict[str, Any] = field(default_factory=dict)
    _agent_state: str = "listening"

    @property
    def agent_state(self) -> str:
        """Counts how often it was looked whether there is a pause."""
        self.looks += 1
        return self._agent_state

    @agent_state.setter
    def agent_state(self, state: str) -> None:
        self._agent_state = state

    async def waits_longer_than_a_pause(self) -> None:
        enough = self.looks + 2 * SHORT["PAUSE_SECONDS"] / (SHORT["LOOK_SECONDS"] / 2)
        await until(lambda: self.looks > enough)

    def ready(self) -> None:
        self.remote_participants[NEW] = SimpleNamespace(kind=AGENT, attributes={READY: "ready"})

    @property
    def input(self) -> Any:
        return SimpleNamespace(set_audio_enabled=lambda on: self.done.append(f"hears: {on}"))

    @property
    def local_participant(self) -> "Call":
        return self

    async def perform_rpc(self, **call: Any) -> str:
        self.told.append(call)
        return ""

    def force_endpoint(self) -> None:
        self.done.append("ends the turn")

    def nobody_listens(self) -> None:
        self.done.append("falls silent")

    async def say(self, line: str, **_: Any) -> bool:
        self.done.append(f"says: {line}")
        return True

    def end(self, end: Ending) -> None:
        self.done.append("closes")
        self.ended = end

    def handing_over(self) -> HandingOver:
        return HandingOver(
            Settings(),
            cast("rtc.Room", self),
            Job(id="AJ_2", agent_name="verbatim", metadata='{"tenant": 7}', room=RoomInfo(name="room")),
            Errand(part=2, resume_of="AJ_1"),
            **{name: cast("Any", self) for name in ("session", "stt", "unheard", "announcer")},
            chat=cast("Any", SimpleNamespace(end=lambda: self.done.append("reads no more"))),
            end=self.end,
        )


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    call = Call()

    @asynccontextmanager
    async def livekit_api(*_: object) -> Any:
        yield call.server

    monkeypatch.setattr(module, "livekit_api", livekit_api)
    for name, seconds in SHORT.items():
        monkeypatch.setattr(module, name, seconds)
    return call


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


LEAVES = ["hears: False", "reads no more", "ends the turn", "falls silent", "closes"]


async def test_it_leaves_when_the_new_agent_is_ready_and_tells_it_so_afterwards(call: Call) -> None:
    handing_over = call.handing_over()
    running = asyncio.create_task(handing_over.run(30.0))
    await until(lambda: call.server.metadata)
    assert call.done == []
    call.ready()
    assert await running
    assert call.done == LEAVES
    assert call.ended is not None
    assert call.ended.reason == "handover"
    assert call.told == []
    await handing_over.let_go()
    (told,) = call.told
    assert (told["destination_identity"], told["method"]) == (NEW, METHOD)
    assert not Cut.decode(told["payload"]).owes_answer
    assert call.server.withdrawn == []


async def test_the_new_agent_is_sent_as_the_next_part_of_the_same_call(call: Call) -> None:
    call.ready()
    running = asyncio.create_task(call.handing_over().run(30.0))
    call.remote_participants.clear()
    await until(lambda: call.server.metadata)
    call.ready()
    await running
    assert errand.read(call.server.metadata[0]) == Errand(part=3, resume_of="AJ_2")
    assert errand.own(call.server.metadata[0]) == '{"tenant": 7}'


async def test_what_is_being_said_is_not_cut_off(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_WITHIN_SECONDS", PATIENCE_S)
    call.ready()
    call.agent_state = "speaking"
    running = asyncio.create_task(call.handing_over().run(30.0))
    await call.waits_longer_than_a_pause()
    assert call.done == []
    call.agent_state, call.user_state = "listening", "speaking"
    await call.waits_longer_than_a_pause()
    assert call.done == []
    call.user_state = "listening"
    assert await running
    assert call.done == LEAVES


@pytest.mark.parametrize(
    ("busy", "owed"),
    [
        ({"agent_state": "speaking"}, True),
        ({"agent_state": "thinking"}, True),
        ({"current_speech": object()}, True),
        ({"words_pending": True}, True),
        # Who goes on speaking is answered then.
        ({"words_pending": True, "user_state": "speaking"}, False),
    ],
)
async def test_where_there_is_no_pause_the_new_agent_gives_the_answer_that_is_owed(
    call: Call, busy: dict[str, Any], owed: bool
) -> None:
    call.ready()
    for name, value in busy.items():
        setattr(call, name, value)
    handing_over = call.handing_over()
    assert await handing_over.run(30.0)
    await handing_over.let_go()
    assert Cut.decode(call.told[0]["payload"]).owes_answer is owed


async def test_an_offer_that_nobody_takes_is_made_again_and_then_the_caller_is_told(call: Call) -> None:
    call.server.workers = False
    handing_over = call.handing_over()
    assert not await handing_over.run(module.FAREWELL_SECONDS + 0.2)
    assert len(call.server.metadata) > 1
    assert call.server.withdrawn == [f"AD_{number}" for number in range(1, len(call.server.metadata) + 1)]
    assert call.done == ["says: stopping", "closes"]
    assert call.ended is not None
    assert call.ended.reason == "error"
    await handing_over.let_go()
    assert call.told == []


async def test_nobody_who_takes_it_in_ten_seconds_is_waited_for_no_longer(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TAKEN_SECONDS", 0.1)
    call.server.workers = False
    async with asyncio.timeout(PATIENCE_S):
        assert not await call.handing_over().run(600.0)


async def test_an_agent_that_was_sent_and_never_comes_is_given_up(call: Call) -> None:
    assert not await call.handing_over().run(module.FAREWELL_SECONDS + 0.1)
    assert call.server.metadata
    assert call.server.withdrawn == ["AD_1"]
    assert call.done == ["says: stopping", "closes"]


async def test_a_person_who_has_the_new_agent_s_identity_is_not_waited_for(call: Call) -> None:
    person = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
    call.remote_participants[NEW] = SimpleNamespace(kind=person, attributes={READY: "ready"})
    assert not await call.handing_over().run(module.FAREWELL_SECONDS + 0.1)
