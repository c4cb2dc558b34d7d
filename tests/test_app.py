"""The worker process against a server of the agents' protocol: whom it lets in, what its health says, its end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from livekit.agents import AgentServer
from livekit.protocol import agent as protocol

from config import Loaded, load
from tests.parts.object_stores import ObjectServer
from tests.parts.tcp_proxy import Fault, proxy_to
from tests.storage.disks import full
from tests.storage.left import PREFIX, call, left
from worker.app import Worker
from worker.errors import Misconfigured, Unreachable

PATIENCE_S = 20.0


class Agents:
    """The server's side of the workers' connection: registers each worker, and drops it when told to."""

    def __init__(self) -> None:
        self.url = ""
        self.registrations: list[protocol.RegisterWorkerRequest] = []
        self.accepting = True
        self._sockets: list[web.WebSocketResponse] = []
        self._news = asyncio.Event()

    async def registered(self, count: int = 1) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.registrations) < count:
                self._news.clear()
                await self._news.wait()

    async def drop(self) -> None:
        for socket in self._sockets:
            await socket.close()
        self._sockets.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Agents"]:
        app = web.Application()
        app.router.add_get("/agent", self._agent)
        app.router.add_post("/twirp/livekit.RoomService/ListRooms", self._no_rooms)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _no_rooms(self, _: web.Request) -> web.Response:
        return web.Response(content_type="application/protobuf")

    async def _agent(self, request: web.Request) -> web.StreamResponse:
        if not self.accepting:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                continue
            said = protocol.WorkerMessage.FromString(message.data)
            if said.WhichOneof("message") == "register":
                answer = protocol.ServerMessage(register=protocol.RegisterWorkerResponse(worker_id="AW_1"))
                await socket.send_bytes(answer.SerializeToString())
                self.registrations.append(said.register)
                self._news.set()
        return socket


@pytest.fixture
async def agents() -> AsyncIterator[Agents]:
    async with Agents().running() as agents:
        yield agents


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Loaded]:
    def settings(url: str = "ws://127.0.0.1:1", **more: str) -> Loaded:
        environ = {
            "LIVEKIT_URL": url,
            "LIVEKIT_API_KEY": "key",
            "LIVEKIT_API_SECRET": "secret-of-livekit-with-32-characters",
            "ASSEMBLYAI_API_KEY": "key",
            "OPENAI_API_KEY": "key",
            "VERBATIM_STORAGE__URL": (tmp_path / "transcripts").as_uri(),
            "VERBATIM_STORAGE__JOURNAL_DIR": str(tmp_path / "journals"),
            "VERBATIM_FLEET__IDLE_PROCESSES": "0",
            "VERBATIM_FLEET__HEALTH_HOST": "127.0.0.1",
            "VERBATIM_FLEET__HEALTH_PORT": "0",
        }
        return load(environ={**environ, **more}, directory=tmp_path)

    return settings


async def until(what: Callable[[], bool]) -> None:
    """Wait until `what` holds; the worker has no event for it."""
    async with asyncio.timeout(PATIENCE_S):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def working(loaded: Loaded) -> AsyncIterator[Worker]:
    worker = Worker(loaded)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        if not worker.draining:
            worker._stop()
        async with asyncio.timeout(PATIENCE_S):
            await running


async def ready(worker: Worker, path: str = "/readyz") -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{worker._health.port}{path}") as answer:
        return answer.status, await answer.json()


# --- the connection


def test_the_framework_still_says_under_this_name_whether_it_is_connecting() -> None:
    """Pins `AgentServer._connecting`, which `Worker.connected` bends."""
    server = AgentServer(ws_url="ws://127.0.0.1:1", api_key="key", api_secret="secret")
    assert hasattr(server, "_connecting"), "AgentServer has no _connecting any more; find its new sign"
    assert server._connecting is False


async def test_a_worker_is_ready_while_it_is_registered_and_only_then(
    agents: Agents, settings: Callable[..., Loaded]
) -> None:
    async with working(settings(agents.url)) as worker:
        assert not worker.connected
        await agents.registered()
        await until(lambda: worker.connected)
        assert await ready(worker) == (200, {"ready": True, "full": False, "reasons": []})

        agents.accepting = False
        await agents.drop()
        await until(lambda: not worker.connected)
        status, body = await ready(worker)
        assert (status, body["reasons"]) == (503, ["disconnected from LiveKit"])

        agents.accepting = True
        await agents.registered(2)
        await until(lambda: worker.connected)
        assert (await ready(worker))[0] == 200


async def test_a_worker_that_was_never_registered_can_be_asked(agents: Agents, settings: Callable[..., Loaded]) -> None:
    agents.accepting = False
    async with working(settings(agents.url)) as worker:
        await until(lambda: worker._health.port != 0)
        assert (await ready(worker))[0] == 503
        status, body = await ready(worker, "/worker")
        assert (status, body["sessions"]) == (200, 0)


async def test_a_worker_registers_under_its_agent_s_name(agents: Agents, settings: Callable[..., Loaded]) -> None:
    async with working(settings(agents.url, VERBATIM_AGENT__NAME="reception")):
        await agents.registered()
    assert agents.registrations[0].agent_name == "reception"


async def test_a_worker_for_every_room_registers_without_a_name(
    agents: Agents, settings: Callable[..., Loaded]
) -> None:
    async with working(settings(agents.url, VERBATIM_AGENT__DISPATCH="every_room")):
        await agents.registered()
    assert agents.registrations[0].agent_name == ""


async def test_a_server_that_is_lost_for_good_is_unreachable(agents: Agents, settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings(agents.url, VERBATIM_LIVEKIT__CONNECT_ATTEMPTS="0"))
    running = asyncio.create_task(worker.run())
    await agents.registered()
    agents.accepting = False
    await agents.drop()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(Unreachable, match="could not be reached"):
            await running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_worker_and_frees_its_port(
    agents: Agents, settings: Callable[..., Loaded], number: signal.Signals
) -> None:
    async with working(settings(agents.url)) as worker:
        await agents.registered()
        signal.raise_signal(number)
        await until(lambda: worker.draining)
    assert worker._health.port == 0


async def test_a_signal_before_the_worker_has_begun_ends_it(agents: Agents, settings: Callable[..., Loaded]) -> None:
    async with working(settings(agents.url)) as worker:
        worker._stop()
    assert agents.registrations == []


async def test_a_drain_shorter_than_a_second_still_has_an_end(settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings(VERBATIM_FLEET__DRAIN_TIMEOUT="0.2"))
    assert worker._server._drain_timeout == 1


async def test_the_framework_is_told_to_drain_only_when_no_call_runs(
    settings: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(settings())
    waited: list[int] = []

    async def drain() -> None:
        waited.append(worker.sessions)

    monkeypatch.setattr(worker._server, "drain", drain)
    monkeypatch.setattr(worker, "_reserved", 2)
    draining = asyncio.create_task(worker._drain())
    await asyncio.sleep(0)
    assert not draining.done()
    monkeypatch.setattr(worker, "_reserved", 0)
    async with asyncio.timeout(PATIENCE_S):
        await draining
    assert waited == [0]


async def test_calls_that_outlast_the_drain_are_left_to_the_close(
    settings: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(settings(VERBATIM_FLEET__DRAIN_TIMEOUT="0.05"))
    monkeypatch.setattr(worker, "_reserved", 1)
    async with asyncio.timeout(PATIENCE_S):
        await worker._drain()
    assert "still running after fleet.drain_timeout" in caplog.text


async def test_a_worker_that_was_told_to_stop_is_offered_no_more_calls(settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings())
    assert worker._load() == 0
    worker._stop()
    assert worker._load() == 1


# --- journals


async def test_what_a_dead_worker_left_is_stored_by_the_next_one(
    agents: Agents, settings: Callable[..., Loaded], tmp_path: Path
) -> None:
    journal = left(tmp_path / "journals", call(1, ends=False))
    async with working(settings(agents.url)):
        await agents.registered()
        await until(lambda: not journal.exists())
    assert (tmp_path / "transcripts" / PREFIX / "RM_1-verbatim/manifest.json").exists()


async def test_a_worker_that_ends_stores_what_the_calls_left_that_it_had_to_end(
    agents: Agents, settings: Callable[..., Loaded], tmp_path: Path
) -> None:
    first = left(tmp_path / "journals", call(1))
    async with working(settings(agents.url, VERBATIM_STORAGE__SWEEP_SECONDS="3600")) as worker:
        await until(lambda: not first.exists())
        second = left(tmp_path / "journals", call(2), name="AJ_2")
        worker._stop()
    assert not second.exists()


async def test_a_worker_whose_journals_cannot_be_written_takes_no_call_until_they_can(
    agents: Agents, settings: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = full()
    async with working(settings(agents.url, VERBATIM_STORAGE__SWEEP_SECONDS="1")) as worker:
        await agents.registered()
        await until(lambda: worker.connected)
        monkeypatch.setattr(worker._keeper, "_disk", disk)
        disk.failing = True
        await until(lambda: worker.trouble is not None)
        status, body = await ready(worker)
        assert (status, body["reasons"]) == (503, [worker.trouble])
        assert worker._load() == 1.0
        request = Request()
        await (await offer(worker, request))
        assert request.rejected == {"terminate": False}

        disk.failing = False
        await until(lambda: worker.trouble is None)
        assert (await ready(worker))[0] == 200


# --- the store


@pytest.fixture
def bucket(moto: ObjectServer, no_clouds: pytest.MonkeyPatch) -> str:
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    return moto.new_bucket()


async def test_a_store_that_is_away_keeps_no_worker_from_calls_and_gets_everything_when_it_is_back(
    agents: Agents, settings: Callable[..., Loaded], tmp_path: Path, moto: ObjectServer, bucket: str
) -> None:
    journal = left(tmp_path / "journals", call())
    async with proxy_to(moto.port) as proxy:
        await proxy.set(Fault.STOPPED)
        storage = {
            "VERBATIM_STORAGE__URL": f"s3://{bucket}/of us",
            "VERBATIM_STORAGE__ENDPOINT": f"http://127.0.0.1:{proxy.port}",
            "VERBATIM_STORAGE__SWEEP_SECONDS": "1",
        }
        async with working(settings(agents.url, **storage)) as worker:
            await agents.registered()
            await until(lambda: worker.connected and worker.store_trouble is not None)
            assert await ready(worker) == (200, {"ready": True, "full": False, "reasons": []})
            request = Request()
            request.go_on.set()
            await (await offer(worker, request))
            assert request.accepted is not None
            _, body = await ready(worker, "/worker")
            assert (body["spool"]["journals"], body["spool"]["store_trouble"]) == (1, worker.store_trouble)
            await proxy.set(Fault.NONE)
            await until(lambda: not journal.exists())
            await until(lambda: worker.store_trouble is None)
    assert b"words 1" in (await moto.store(bucket, "of us").get(f"{PREFIX}/RM_1-verbatim/transcript.txt") or b"")


async def test_a_spool_over_its_mark_takes_no_calls_until_the_store_has_taken_some(
    agents: Agents, settings: Callable[..., Loaded], tmp_path: Path, moto: ObjectServer, bucket: str
) -> None:
    journal = left(tmp_path / "journals", call())
    left(tmp_path / "journals", b"x" * 1_000_000 + b"\n", session="RM_2")  # damaged, so that nothing takes it away
    async with proxy_to(moto.port) as proxy:
        await proxy.set(Fault.STOPPED)
        storage = {
            "VERBATIM_STORAGE__URL": f"s3://{bucket}",
            "VERBATIM_STORAGE__ENDPOINT": f"http://127.0.0.1:{proxy.port}",
            "VERBATIM_STORAGE__SWEEP_SECONDS": "1",
            "VERBATIM_STORAGE__SPOOL_MAX_MB": "1",
        }
        async with working(settings(agents.url, **storage)) as worker:
            await agents.registered()
            await until(lambda: worker.connected and worker.trouble is not None)
            assert await ready(worker) == (503, {"ready": False, "full": False, "reasons": [worker.trouble]})
            request = Request()
            await (await offer(worker, request))
            assert request.rejected == {"terminate": False}
            assert journal.exists()
            await proxy.set(Fault.NONE)
            await until(lambda: not journal.exists())
            (tmp_path / "journals" / "RM_2-verbatim" / "AJ_1.jsonl").unlink()
            await until(lambda: worker.trouble is None)


async def test_a_store_that_refuses_the_key_stops_the_start_as_wrong_settings_do(
    agents: Agents, settings: Callable[..., Loaded], moto: ObjectServer, bucket: str
) -> None:
    async with proxy_to(moto.port) as proxy:
        await proxy.set(Fault.ANSWERS, answer=(403, "SignatureDoesNotMatch"))
        storage = {
            "VERBATIM_STORAGE__URL": f"s3://{bucket}",
            "VERBATIM_STORAGE__ENDPOINT": f"http://127.0.0.1:{proxy.port}",
        }
        with pytest.raises(Misconfigured, match="its credentials are wrong or expired, SignatureDoesNotMatch"):
            await Worker(settings(agents.url, **storage)).run()
    assert agents.registrations == []


def test_a_store_that_cannot_be_opened_stops_the_start(
    settings: Callable[..., Loaded], no_clouds: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Misconfigured, match=r"^az://calls cannot be opened with the credentials in the environment: "):
        Worker(settings(VERBATIM_STORAGE__URL="az://calls"))


# --- admission


class Request:
    """A call that is offered; `accept` waits until the test lets it go on."""

    def __init__(self, *, fails: bool = False) -> None:
        self.room = SimpleNamespace(name="kitchen")
        self.accepted: dict[str, Any] | None = None
        self.rejected: dict[str, Any] | None = None
        self.go_on = asyncio.Event()
        self._fails = fails

    async def accept(self, **options: Any) -> None:
        self.accepted = options
        await self.go_on.wait()
        if self._fails:
            raise TimeoutError("no assignment came")

    async def reject(self, **options: Any) -> None:
        self.rejected = options


async def offer(worker: Worker, request: Request) -> "asyncio.Task[None]":
    offering = asyncio.create_task(worker._on_request(request))  # type: ignore[arg-type]
    await until(lambda: request.accepted is not None or request.rejected is not None)
    return offering


async def test_a_call_is_taken_under_the_identity_of_its_part(settings: Callable[..., Loaded]) -> None:
    request = Request()
    request.go_on.set()
    await (await offer(Worker(settings(VERBATIM_AGENT__NAME="reception")), request))
    assert request.accepted == {"identity": "agent-reception-1"}


async def test_of_two_calls_at_once_the_last_place_takes_one_and_the_other_is_left_to_other_workers(
    settings: Callable[..., Loaded],
) -> None:
    worker = Worker(settings(VERBATIM_FLEET__MAX_SESSIONS="1"))
    first, second = Request(), Request()
    offers = [await offer(worker, first), await offer(worker, second)]
    assert first.accepted is not None and first.rejected is None
    assert second.accepted is None and second.rejected == {"terminate": False}
    assert worker.sessions == 1
    first.go_on.set()
    await asyncio.gather(*offers)
    assert worker.sessions == 0


async def test_a_call_that_could_not_be_taken_after_all_frees_its_place(settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings(VERBATIM_FLEET__MAX_SESSIONS="1"))
    request = Request(fails=True)
    offering = await offer(worker, request)
    request.go_on.set()
    with pytest.raises(TimeoutError):
        await offering
    assert worker.sessions == 0


async def test_a_worker_that_was_told_to_stop_takes_no_call(settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings())
    worker._stop()
    request = Request()
    await (await offer(worker, request))
    assert request.rejected == {"terminate": False}


@pytest.mark.parametrize(("most", "running"), [(1, 1), (3, 3), (12, 12)])
async def test_the_reported_load_crosses_the_server_s_target_exactly_when_full(
    settings: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch, most: int, running: int
) -> None:
    worker = Worker(settings(VERBATIM_FLEET__MAX_SESSIONS=str(most)))
    for sessions in range(running + 1):
        monkeypatch.setattr(worker, "_reserved", sessions)
        assert (worker._load() > 0.7) == (sessions >= most)
        assert 0 <= worker._load() <= 1
