"""The store fails in the middle of a call: the caller is answered all through, and later everything is stored."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.fragile_call import Exchange, FragileCall
from tests.faults.oracle import judge, outside
from tests.faults.sentences import SPOKEN
from tests.parts.availability import require
from tests.parts.livekit_server import LiveKitServer
from tests.parts.object_stores import CLOUDS, ObjectServer, running_versitygw
from tests.parts.small_disk import small_disk
from tests.parts.standins import standin
from tests.parts.tcp_proxy import Fault, TcpProxy, proxy_to
from tests.rooms.surroundings import Surroundings, until
from tests.rooms.worker_process import WorkerProcess, working
from worker.storage.sessions.catalogue import Catalogue, Session
from worker.storage.sessions.verification import verify_session
from worker.storage.stores.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.needs("versitygw", "flite"), pytest.mark.asyncio(loop_scope="module")]

AGENT = "outages"
STORE_KIBIBYTES = 8192
STORED_WITHIN_S = 60.0
LONG_S = 120.0
THOUGHT_S = 8.0


@dataclass(slots=True)
class Line:
    """A worker whose store is a bucket behind a proxy, and the calls that it takes."""

    place: Surroundings
    worker: WorkerProcess
    proxy: TcpProxy
    server: ObjectServer
    bucket: str
    exchange: Exchange

    @asynccontextmanager
    async def call(self, what: str) -> AsyncIterator[FragileCall]:
        """A call after its first turn, some of which has left the node; hung up at the end of the block."""
        call = await self.exchange.connect(self.place, what, AGENT, self.worker.pid)
        try:
            await ask(call)
            await until(lambda: self.shipped(call), STORED_WITHIN_S, "nothing left the node")
            yield call
        finally:
            await call.hang_up()

    @property
    def store(self) -> Store:
        """The bucket, without the proxy."""
        return self.server.store(self.bucket)

    async def shipped(self, call: FragileCall) -> bool | None:
        store = self.store
        return True if any(f"/{call.room}/" in key for key in await store.list() if "/parts/" in key) else None

    async def stored(self, call: FragileCall) -> Session:
        """The call's session, once it is stored and nothing of it waits on the node."""
        catalogue = Catalogue(self.store, self.place.journals)

        async def look() -> Session | None:
            found = [session for session in await catalogue.sessions() if session.room == call.room]
            return found[0] if found and found[0].stored and not found[0].journals else None

        return await until(look, STORED_WITHIN_S, "the call was not stored")

    def waits(self) -> bool:
        """Whether journals are on the node."""
        return any(self.place.journals.glob("*/*.jsonl"))

    async def assert_nothing_is_lost(self, call: FragileCall) -> None:
        session = await self.stored(call)
        assert await verify_session(self.store, session) == []
        transcript = await Catalogue(self.store, self.place.journals).transcript(session)
        sessions = [each for each in self.place.assemblyai.log()["sessions"] if each["id"] == call.stt_session]
        captions = [each.text for each in call.caller.captions if each.speaker in call.caller.agents]
        seen = outside(call.sentences, sessions, self.place.openai.log(), captions)
        verdict = judge(seen, transcript, struck_at=None)
        assert verdict.clean, verdict
        assert verdict.required >= 6
        assert (transcript.complete, transcript.gaps, transcript.errors) == (True, (), ())
        assert transcript.ended.reason == "caller_left"
        assert await self.store.list("open") == []


async def ask(call: FragileCall) -> None:
    """One turn, over the answer to the one before; fails where there is no answer."""
    await call.caller.barge_in(SPOKEN, 300)


@pytest.fixture(scope="module")
def place(livekit_server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    require("flite")
    directory = tmp_path_factory.mktemp("outages")
    with (
        standin("assemblyai", ["--engine", "light"], directory / "assemblyai.log") as assemblyai,
        standin("openai", [], directory / "openai.log") as openai,
    ):
        yield Surroundings(livekit_server, assemblyai, openai, directory)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(place: Surroundings, s3: ObjectServer) -> AsyncIterator[Line]:
    bucket = s3.new_bucket()
    with pytest.MonkeyPatch.context() as environment:
        for name in [each for each in os.environ if each.startswith(CLOUDS)]:
            environment.delenv(name)
        for name, value in s3.environment.items():
            environment.setenv(name, value)
        async with proxy_to(s3.port) as proxy:
            settings = {
                "VERBATIM_STORAGE__URL": f"s3://{bucket}",
                "VERBATIM_STORAGE__ENDPOINT": f"http://127.0.0.1:{proxy.port}",
                "VERBATIM_STORAGE__SWEEP_SECONDS": "1",
            }
            with ExitStack() as running:
                worker = running.enter_context(working(place, AGENT, settings, wait=False))
                # The worker asks the store at its start, and the proxy is in this loop.
                await asyncio.to_thread(worker.wait_until_ready)
                yield Line(place, worker, proxy, s3, bucket, Exchange(place.assemblyai))
                await asyncio.to_thread(running.close)


@pytest.mark.parametrize(
    ("fault", "answer", "only"),
    [
        pytest.param(Fault.STOPPED, (0, ""), "", id="stopped"),
        pytest.param(Fault.SLOW, (0, ""), "", id="a byte a second"),
        pytest.param(Fault.ANSWERS, (500, "InternalError"), "", id="500", marks=pytest.mark.soak),
        pytest.param(Fault.ANSWERS, (403, "AccessDenied"), "", id="403"),
        pytest.param(Fault.ANSWERS, (403, "RequestTimeTooSkewed"), "", id="wrong clock", marks=pytest.mark.soak),
        pytest.param(Fault.CUT, (0, ""), "PUT", id="cut in a put", marks=pytest.mark.soak),
    ],
)
async def test_a_store_that_fails_in_a_call_touches_nobody_and_gets_everything_afterwards(
    line: Line, fault: Fault, answer: tuple[int, str], only: str
) -> None:
    async with line.call("outage") as call:
        await line.proxy.set(fault, answer=answer, only=only)
        came = len(line.proxy.requests)
        await ask(call)
        await ask(call)
        if fault is not Fault.STOPPED:
            await until(lambda: _more(line.proxy, came), STORED_WITHIN_S, "the store was not asked")
        await call.caller.listen()
    try:
        await call.job_dead(STORED_WITHIN_S)
        assert line.waits()
    finally:
        await line.proxy.set(Fault.NONE)
    await line.assert_nothing_is_lost(call)


@pytest.mark.needs("root")
async def test_a_store_that_is_full_in_a_call_touches_nobody_and_gets_everything_when_there_is_room(
    line: Line, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "store", STORE_KIBIBYTES) as disk, running_versitygw(disk.path) as server:
        server.new_bucket(line.bucket)
        usual, line.server, line.proxy.target = line.server, server, server.port
        try:
            async with line.call("full") as call:
                await asyncio.to_thread(disk.fill)
                await ask(call)
                await ask(call)
                await call.caller.listen()
            await call.job_dead(STORED_WITHIN_S)
            assert line.waits()
            await asyncio.to_thread(disk.free)
            await line.assert_nothing_is_lost(call)
        finally:
            line.server, line.proxy.target = usual, usual.port


@pytest.mark.soak
async def test_a_store_that_is_away_for_two_minutes_of_a_call_is_not_noticed_in_it(line: Line) -> None:
    async with line.call("away") as call:
        await line.proxy.set(Fault.STOPPED)
        ends_at = time.monotonic() + LONG_S
        while time.monotonic() < ends_at:
            await call.caller.listen()
            await asyncio.sleep(THOUGHT_S)  # the caller thinks: the outage is to last
            await call.caller.speak(SPOKEN)
        await call.caller.listen()
        await line.proxy.set(Fault.NONE)
        came = len(line.proxy.requests)
        await call.caller.speak(SPOKEN)
        await until(lambda: _more(line.proxy, came, "/parts/"), STORED_WITHIN_S, "shipping does not go on")
        await call.caller.listen()
    await line.assert_nothing_is_lost(call)


async def _more(proxy: TcpProxy, came: int, part: str = "") -> bool | None:
    return True if any(part in request for request in proxy.requests[came:]) else None
