"""A call whose transcripts go into a bucket leaves its node while it runs, and is stored whatever the store does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from livekit.agents import JobContext

from config import Loaded, Settings
from tests.parts.object_stores import ObjectServer
from tests.parts.tcp_proxy import Fault, TcpProxy, proxy_to
from tests.session.conftest import SETTINGS
from worker.errand import Errand
from worker.session import archive
from worker.session.call import Call
from worker.storage.errors import StorageUnavailable
from worker.storage.recovery.sweep import State, recover
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.verification import verify_session
from worker.storage.stores.store import Store
from worker.storage.storing import shipping
from worker.storage.storing.publishing import stored_manifest
from worker.storage.storing.segments import stored_parts
from worker.transcript.events import Event, UserFinal
from worker.transcript.reading import read_lines
from worker.transcript.render import FORMATS

PATIENCE_S = 20.0
PREFIX = "2026/11/21/kitchen/RM_1-verbatim"
CREATED = 1795255200  # 2026-11-21 10:00 UTC


class Scene:
    """One call in a room that nobody is in, and the bucket behind a proxy."""

    def __init__(self, settings: Settings, direct: Store, proxy: TcpProxy) -> None:
        self.settings = settings
        self.direct = direct
        self.proxy = proxy
        self.call: Call | None = None

    @property
    def journals(self) -> Path:
        return self.settings.storage.journal_dir

    async def begin(self, part: int = 1) -> Call:
        room = SimpleNamespace(name="kitchen", sid="RM_1", creation_time=CREATED)
        context = SimpleNamespace(
            room=SimpleNamespace(on=lambda *_: None),
            job=SimpleNamespace(id=f"AJ_{part}", room=room, dispatch_id="AD_1"),
            local_participant_identity=f"agent-verbatim-{part}",
        )
        loaded = Loaded(self.settings, "production", {}, {}, {})
        sent_for = Errand(part=part, resume_of="AJ_1") if part > 1 else Errand()
        self.call = await Call.begin(cast("JobContext", context), loaded, sent_for)
        return self.call

    async def say(self, text: str) -> None:
        assert self.call is not None
        await self.call._recorder.append(UserFinal(participant="caller", text=text))

    async def shipped(self) -> list[Event | None]:
        """What of the call is in the bucket, apart from any transcript."""
        part = (await stored_parts(self.direct, PREFIX)).get("AJ_1")
        reading = read_lines(part.data if part is not None else b"")
        assert reading.stop is None
        return [record.event for record in reading.records]

    async def until_shipped(self, text: str) -> None:
        async def there() -> bool:
            return any(isinstance(event, UserFinal) and event.text == text for event in await self.shipped())

        await until(there)

    async def assert_stored(self, *texts: str) -> None:
        catalogue = Catalogue(self.direct, self.journals)
        (session,) = await catalogue.sessions()
        transcript = await catalogue.transcript(session)
        assert [turn.text for turn in transcript.turns] == list(texts)
        assert (session.journals, await verify_session(self.direct, session)) == ((), [])
        assert await self.direct.list("open") == []


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await what():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
async def scene(
    tmp_path: Path, moto: ObjectServer, no_clouds: pytest.MonkeyPatch, short_pauses: None
) -> AsyncIterator[Scene]:
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    no_clouds.setattr(shipping, "SHIP_AFTER_S", 0.05)
    no_clouds.setattr(shipping, "FIRST_PAUSE_S", 0.05)
    bucket = moto.new_bucket()
    async with proxy_to(moto.port) as proxy:
        update = {
            "url": f"s3://{bucket}",
            "endpoint": f"http://127.0.0.1:{proxy.port}",
            "journal_dir": tmp_path / "journals",
        }
        storage = SETTINGS.storage.model_copy(update=update)
        scene = Scene(SETTINGS.model_copy(update={"storage": storage}), moto.store(bucket), proxy)
        yield scene
        if scene.call is not None and scene.call._archive._shipper is not None:
            await proxy.set(Fault.NONE)
            await scene.call._archive._shipper.stop()


async def test_a_call_leaves_its_node_while_it_runs_and_its_lease_goes_with_its_end(scene: Scene) -> None:
    call = await scene.begin()
    await scene.say("Two large pizzas.")
    await scene.until_shipped("Two large pizzas.")
    assert await scene.direct.list("open") == ["open/RM_1-verbatim/AJ_1"]
    await scene.say("And a salad.")
    await call.finish()
    await scene.assert_stored("Two large pizzas.", "And a salad.")


async def test_a_later_part_opens_the_stored_session_again_and_its_end_closes_it(scene: Scene) -> None:
    async def state() -> str:
        manifest = await stored_manifest(scene.direct, PREFIX)
        assert manifest is not None
        return manifest.state

    async def is_open() -> bool:
        return await state() == "open"

    first = await scene.begin()
    await scene.say("Two large pizzas.")
    await first.finish()
    assert await state() == "final"
    second = await scene.begin(part=2)
    await until(is_open)
    await scene.say("And a salad.")
    await second.finish()
    assert await state() == "final"
    await scene.assert_stored("Two large pizzas.", "And a salad.")


async def test_a_node_that_is_lost_leaves_what_was_shipped(scene: Scene) -> None:
    await scene.begin()
    await scene.say("Two large pizzas.")
    await scene.until_shipped("Two large pizzas.")
    kinds = [event.kind for event in await scene.shipped() if event is not None]
    assert kinds == ["part.started", "user.final"]


@pytest.mark.parametrize("only", ["", "PUT", "/parts/", "/open/", "manifest.json", "transcript"])
@pytest.mark.parametrize("fault", [Fault.STOPPED, Fault.SILENT, Fault.CUT, Fault.ANSWERS])
async def test_whatever_the_store_does_in_a_call_nothing_is_lost_and_all_is_stored_afterwards(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fault: Fault, only: str
) -> None:
    monkeypatch.setattr(archive, "STORE_SECONDS", 0.5)
    call = await scene.begin()
    await scene.say("Two large pizzas.")
    await scene.until_shipped("Two large pizzas.")
    came = len(scene.proxy.requests)
    await scene.proxy.set(fault, only=only)
    await scene.say("And a salad.")
    if fault is not Fault.STOPPED and only in ("", "PUT", "/parts/"):
        async with asyncio.timeout(PATIENCE_S):
            while not any("/parts/" in request for request in scene.proxy.requests[came:]):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    with pytest.raises(StorageUnavailable):
        await call.finish()
    await scene.proxy.set(Fault.NONE)
    (outcome,) = await recover(scene.journals, scene.direct, FORMATS)
    assert outcome.state is State.FINALISED
    await scene.assert_stored("Two large pizzas.", "And a salad.")
