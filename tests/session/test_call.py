"""However a call ends, its words are kept: stored, or in the journal that stays."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import api
from livekit.agents import JobContext

from config import Settings
from tests.session.conftest import SETTINGS
from worker.session.archive import Archive
from worker.session.call import Call
from worker.session.closing import hang_up
from worker.session.closing.close_timer import CloseTimer
from worker.session.closing.ending import SHUT_DOWN, Ending
from worker.session.conversation.dialogue import CallSession
from worker.speech.providers import Speech
from worker.storage.errors import StorageUnavailable, StorageUnwritable
from worker.storage.journal.journal import Journal
from worker.storage.journal.lock import held
from worker.storage.recovery.sweep import State, recover
from worker.storage.stores.directory import DirectoryStore
from worker.storage.storing.tombstone import key, tombstone_of
from worker.transcript.events import PartStarted, UserFinal, UserRevised
from worker.transcript.model import Transcript
from worker.transcript.render import FORMATS


@dataclass
class Rooms:
    """The server's rooms: their ids by name."""

    sids: dict[str, str]
    deleted: list[str] = field(default_factory=list)

    async def list_rooms(self, request: api.ListRoomsRequest) -> Any:
        return SimpleNamespace(rooms=[SimpleNamespace(sid=self.sids[name]) for name in request.names])

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        self.deleted.append(request.room)


@dataclass
class Dispatches:
    """The server's dispatches: the agents' names by id."""

    agents: dict[str, str]

    async def list_dispatch(self, room: str) -> Any:
        assert room == "kitchen"
        return [SimpleNamespace(id=each, agent_name=agent) for each, agent in self.agents.items()]

    async def delete_dispatch(self, dispatch: str, room: str) -> None:
        assert room == "kitchen"
        del self.agents[dispatch]


class BrokenSpeech:
    """Speech parts of which one cannot be closed."""

    class stt:  # noqa: N801 - stands for an attribute
        revises_speakers = False
        call_is_over = staticmethod(lambda: None)

    async def aclose(self) -> None:
        raise RuntimeError("a plugin's own trouble")


@dataclass
class Scene:
    call: Call
    archive: Archive
    journal: Journal
    rooms: Rooms
    dispatches: Dispatches
    storage: Path

    def stored(self) -> Transcript:
        (document,) = self.storage.glob("**/transcript.json")
        return Transcript.model_validate_json(document.read_text())


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    storage = SETTINGS.storage.model_copy(
        update={"url": (tmp_path / "stored").as_uri(), "journal_dir": tmp_path / "journals"}
    )
    settings: Settings = SETTINGS.model_copy(update={"storage": storage})
    journal = await Journal.create(storage.journal_dir, "RM_1-verbatim", "AJ_1")
    rooms = Rooms({"kitchen": "RM_1"})
    dispatches = Dispatches({"AD_1": "verbatim", "AD_2": "verbatim", "AD_3": "another"})
    context = SimpleNamespace(
        room=SimpleNamespace(on=lambda *_: None),
        job=SimpleNamespace(room=SimpleNamespace(name="kitchen", sid="RM_1"), agent_name="verbatim"),
    )

    @asynccontextmanager
    async def server(_: Settings) -> AsyncIterator[Any]:
        yield SimpleNamespace(room=rooms, agent_dispatch=dispatches)

    monkeypatch.setattr(hang_up, "livekit_api", server)
    archive = Archive(settings, journal, "sessions/RM_1-verbatim")
    call = Call(cast("JobContext", context), settings, journal, archive)
    journal.append(
        PartStarted(
            room="kitchen",
            room_sid="RM_1",
            room_created_at="2026-11-21T10:00:00Z",
            job="AJ_1",
            agent="verbatim",
            agent_identity="agent-verbatim-1",
        )
    )
    journal.append(UserFinal(participant="caller", text="Two large pizzas."))
    return Scene(call, archive, journal, rooms, dispatches, tmp_path / "stored")


async def test_a_call_is_stored_and_its_journal_goes(scene: Scene) -> None:
    await scene.call.finish()
    assert [turn.text for turn in scene.stored().turns] == ["Two large pizzas."]
    assert not scene.journal.path.exists()


async def test_parts_that_cannot_be_closed_keep_nothing_from_being_stored(scene: Scene) -> None:
    scene.call._speech = cast("Speech", BrokenSpeech())
    await scene.call.finish()
    assert scene.stored().turns
    assert not scene.journal.path.exists()


async def test_a_call_whose_session_was_removed_while_it_ran_leaves_nothing(scene: Scene) -> None:
    tombstone = key("2026/11/21/kitchen/RM_1-verbatim")
    store = DirectoryStore(scene.storage)
    await store.put(tombstone, tombstone_of(parts=0, objects=0).encode())
    await scene.call.finish()
    assert await store.list() == [tombstone]
    assert not scene.journal.path.exists()


async def test_the_recogniser_s_last_word_on_who_spoke_is_waited_for_before_the_call_ends(scene: Scene) -> None:
    class Stt:
        revises_speakers = True
        call_is_over = staticmethod(lambda: None)

        async def farewells(self) -> None:
            await asyncio.sleep(0.01)
            scene.journal.append(UserRevised(participant="caller", speaker="B"))

    class Recognising:
        stt = Stt()

        async def aclose(self) -> None:
            kinds = [json.loads(line)["kind"] for line in scene.journal.path.read_bytes().splitlines()]
            assert kinds[-2:] == ["user.revised", "part.ended"]

    scene.call._speech = cast("Speech", Recognising())
    await scene.call.finish()
    (turn,) = scene.stored().turns
    assert turn.speaker == "B"


async def test_where_nothing_can_be_stored_the_journal_stays_and_is_free_for_who_stores_it_later(scene: Scene) -> None:
    scene.storage.write_text("a file where a directory should be")
    with pytest.raises(StorageUnwritable):
        await scene.call.finish()
    assert b"Two large pizzas." in scene.journal.path.read_bytes()
    with held(scene.journal.path):
        pass


class AwayStore(DirectoryStore):
    """Never answers, until it is back."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.back = asyncio.Event()

    async def put(self, key: str, content: bytes) -> None:
        await self.back.wait()
        await super().put(key, content)


async def test_a_store_that_does_not_answer_holds_no_job_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.session.archive.STORE_SECONDS", 0.05)
    scene.archive._opened = AwayStore(scene.storage)
    with pytest.raises(StorageUnavailable, match="was not stored in 0 s"):
        await scene.call.finish()
    assert b"Two large pizzas." in scene.journal.path.read_bytes()
    with held(scene.journal.path):
        pass
    (outcome,) = await recover(scene.journal.path.parents[1], DirectoryStore(scene.storage), FORMATS)
    assert outcome.state is State.FINALISED
    assert [turn.text for turn in scene.stored().turns] == ["Two large pizzas."]


async def test_what_neither_disk_nor_store_takes_is_kept_until_the_store_is_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.session.archive.STORE_SECONDS", 1.0)
    monkeypatch.setattr("worker.session.archive.LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(scene.journal, "memory", scene.journal.path.read_bytes)
    store = AwayStore(scene.storage)
    scene.archive._opened = store
    tried: list[object] = []
    monkeypatch.setattr("worker.session.archive.logger.error", lambda *said: tried.append(said))
    finishing = asyncio.create_task(scene.call.finish())
    async with asyncio.timeout(20):
        while len(tried) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not finishing.done()
    store.back.set()
    await finishing
    assert [turn.text for turn in scene.stored().turns] == ["Two large pizzas."]


@pytest.mark.parametrize("failure", [OSError("no model"), KeyboardInterrupt()])
async def test_a_call_that_cannot_be_set_up_is_incomplete_and_its_room_is_closed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    async def broken(_: object) -> None:
        raise failure

    monkeypatch.setattr(scene.call, "_start", broken)
    with pytest.raises(type(failure)):
        await scene.call.run(cast("Any", None))
    await scene.call.finish()
    transcript = scene.stored()
    assert (transcript.ended.reason, transcript.complete) == ("error", False)
    assert scene.rooms.deleted == ["kitchen"]


async def test_a_call_whose_own_code_ends_the_process_is_stored_and_says_so(scene: Scene) -> None:
    await scene.call._process_ends("SystemExit")
    transcript = scene.stored()
    assert [turn.text for turn in transcript.turns] == ["Two large pizzas."]
    assert transcript.ended.reason == "error"
    assert "SystemExit" in transcript.ended.detail
    assert not transcript.complete
    assert scene.rooms.deleted == ["kitchen"]


async def test_a_call_that_is_being_stored_when_its_process_ends_is_left_to_the_sweep(scene: Scene) -> None:
    scene.call._finishing = asyncio.get_running_loop().create_future()
    await scene.call._process_ends("SystemExit")
    assert scene.journal.path.exists()
    assert scene.rooms.deleted == []
    await scene.journal.close()


async def test_another_room_of_the_same_name_is_left_alone(scene: Scene) -> None:
    scene.rooms.sids["kitchen"] = "RM_2"
    scene.call._entry_failed = "OSError"
    await scene.call.finish()
    assert scene.rooms.deleted == []


async def test_the_room_of_a_caller_who_left_is_not_closed_for_those_who_stay(scene: Scene) -> None:
    scene.call._joined = True
    scene.call._roster.left = "client_initiated"
    await scene.call.finish()
    assert scene.rooms.deleted == []


async def test_a_call_that_the_watchdogs_end_tells_their_reason(scene: Scene) -> None:
    scene.call._joined = True
    ended: list[bool] = []
    scene.call._session = cast("CallSession", SimpleNamespace(said_goodbye=False, end=lambda: ended.append(True)))
    scene.call._end(Ending("goodbye", "the caller fell silent"))
    await scene.call.finish()
    assert ended == [True]
    assert (scene.stored().ended.reason, scene.stored().ended.detail) == ("goodbye", "the caller fell silent")
    assert scene.rooms.deleted == ["kitchen"]


async def test_a_session_that_does_not_close_keeps_no_transcript_waiting_and_it_is_stored_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[float] = []
    shut_down: list[str] = []
    monkeypatch.setattr("worker.session.call.end_within", ends.append)
    monkeypatch.setattr(scene.call._context, "shutdown", lambda reason: shut_down.append(reason), raising=False)
    stored: list[object] = []
    publish = scene.archive.publish

    async def counted() -> Any:
        stored.append(None)
        return await publish()

    monkeypatch.setattr(scene.archive, "publish", counted)
    scene.call._close_timer = CloseTimer(0.0, lambda: False, scene.call._close_is_overdue)
    scene.call._room_left(None)
    async with asyncio.timeout(20):
        while not ends:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    # The framework comes at last, and finds it done.
    await scene.call.finish()
    assert len(stored) == 1
    assert [error.code for error in scene.stored().errors] == ["call.close_hung"]
    assert shut_down
    assert not scene.journal.path.exists()


async def test_who_asks_for_the_finish_in_its_middle_waits_for_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = AwayStore(scene.storage)
    scene.archive._opened = store
    first = asyncio.create_task(scene.call.finish())
    second = asyncio.create_task(scene.call.finish())
    await asyncio.sleep(0.05)
    assert not first.done()
    assert not second.done()
    store.back.set()
    await asyncio.gather(first, second)
    assert not scene.journal.path.exists()


def says_goodbye(scene: Scene, *, hang_up: bool) -> None:
    agent = SETTINGS.agent.model_copy(update={"hang_up": hang_up})
    scene.call._settings = scene.call._settings.model_copy(update={"agent": agent})
    scene.call._joined = True
    scene.call._session = cast("CallSession", SimpleNamespace(said_goodbye=True))


async def test_after_a_goodbye_the_room_is_closed(scene: Scene) -> None:
    says_goodbye(scene, hang_up=True)
    await scene.call.finish()
    assert scene.stored().ended.reason == "goodbye"
    assert scene.rooms.deleted == ["kitchen"]


async def test_when_the_job_is_ended_from_outside_the_caller_stays_for_whoever_goes_on(scene: Scene) -> None:
    scene.call._joined = True
    await scene.call.finish()
    assert (scene.stored().ended.reason, scene.stored().ended.detail) == ("error", SHUT_DOWN.detail)
    assert (scene.rooms.deleted, len(scene.dispatches.agents)) == ([], 3)


async def test_where_the_room_stays_after_a_goodbye_no_agent_is_promised_to_it_any_more(scene: Scene) -> None:
    says_goodbye(scene, hang_up=False)
    await scene.call.finish()
    assert scene.rooms.deleted == []
    assert scene.dispatches.agents == {"AD_3": "another"}


async def test_who_is_left_by_an_agent_that_did_not_say_goodbye_is_still_promised_one(scene: Scene) -> None:
    says_goodbye(scene, hang_up=False)
    scene.call._entry_failed = "OSError"
    await scene.call.finish()
    assert len(scene.dispatches.agents) == 3


async def test_the_promises_of_another_room_of_the_same_name_are_left_alone(scene: Scene) -> None:
    scene.rooms.sids["kitchen"] = "RM_2"
    says_goodbye(scene, hang_up=False)
    await scene.call.finish()
    assert len(scene.dispatches.agents) == 3
