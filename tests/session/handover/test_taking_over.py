"""The new agent waits until the old one has let go, and believes nobody else."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc

from config import Settings
from worker.session.handover import taking_over as module
from worker.session.handover.protocol import METHOD, READY, Cut
from worker.session.handover.taking_over import UNKNOWN_SECONDS, TakingOver

PATIENCE_S = 5.0
OLD = "agent-verbatim-1"
AGENT, PERSON = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT, rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD


class Room(rtc.EventEmitter[str]):
    """A room as far as a hand-over uses it."""

    def __init__(self, kind: "rtc.ParticipantKind.ValueType" = AGENT) -> None:
        super().__init__()
        self.name = "room"
        self.remote_participants = {OLD: SimpleNamespace(identity=OLD, kind=kind)}
        self.methods: dict[str, Any] = {}
        self.attributes: dict[str, str] = {}
        self.ready = asyncio.Event()

    @property
    def local_participant(self) -> "Room":
        return self

    def register_rpc_method(self, name: str, method: Any) -> None:
        assert not self.ready.is_set(), "who shows that it is ready must be able to hear so"
        self.methods[name] = method

    def unregister_rpc_method(self, name: str) -> None:
        del self.methods[name]

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        self.attributes |= attributes
        self.ready.set()

    async def call(self, caller: str, payload: str) -> str:
        return str(await self.methods[METHOD](SimpleNamespace(caller_identity=caller, payload=payload)))


def taking_over(room: Room) -> TakingOver:
    return TakingOver(Settings(), cast("rtc.Room", room), OLD)


async def begun(room: Room) -> "asyncio.Task[Cut]":
    waiting = asyncio.create_task(taking_over(room).wait())
    async with asyncio.timeout(PATIENCE_S):
        await room.ready.wait()
    return waiting


async def test_it_goes_on_when_the_old_agent_lets_go() -> None:
    room = Room()
    waiting = await begun(room)
    assert room.attributes == {READY: "ready"}
    assert not waiting.done()
    await room.call(OLD, Cut(0.25, owes_answer=True).encode())
    assert await waiting == Cut(0.25, owes_answer=True)
    assert room.methods == {}


async def test_nobody_else_can_let_it_go_on() -> None:
    room = Room()
    waiting = await begun(room)
    with pytest.raises(rtc.RpcError, match="only the agent before this one lets go"):
        await room.call("caller", Cut(0.0).encode())
    assert not waiting.done()
    waiting.cancel()


async def test_a_call_that_says_nothing_changes_nothing() -> None:
    room = Room()
    waiting = await begun(room)
    for payload in ("", "[]", "{}", '{"seconds_ago": "long", "owes_answer": true}'):
        with pytest.raises(ValueError, match="no cut"):
            await room.call(OLD, payload)
    assert not waiting.done()
    waiting.cancel()


async def test_it_goes_on_when_the_old_agent_is_gone() -> None:
    room = Room()
    waiting = await begun(room)
    room.emit("participant_disconnected", SimpleNamespace(identity="caller"))
    room.emit("participant_disconnected", room.remote_participants.pop(OLD))
    assert await waiting == Cut(UNKNOWN_SECONDS)


async def test_it_goes_on_when_the_old_agent_went_before_it_looked() -> None:
    room = Room()
    room.remote_participants.clear()
    assert await taking_over(room).wait() == Cut(UNKNOWN_SECONDS)


async def test_an_old_agent_that_does_not_let_go_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    removed = asyncio.Event()

    async def remove(_: TakingOver) -> None:
        removed.set()

    monkeypatch.setattr(TakingOver, "_remove", remove)
    assert await taking_over(Room()).wait() == Cut(UNKNOWN_SECONDS)
    assert removed.is_set()


@pytest.mark.parametrize(("kind", "due"), [(AGENT, True), (PERSON, False)])
async def test_only_an_agent_is_taken_over_from(kind: "rtc.ParticipantKind.ValueType", due: bool) -> None:
    """An identity can be anybody's whose token has it; what is an agent, the server says."""
    assert taking_over(Room(kind)).is_due is due
