"""The worker process against a server of the agents' protocol: whom it lets in, what its health says, its end."""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from livekit.agents import AgentServer
from livekit.protocol import agent as protocol

from config import Loaded, load
from config.grace import needed
from tests.parts.object_stores import ObjectServer
from tests.parts.tcp_proxy import Fault, proxy_to
from tests.storage.disks import full
from tests.storage.left import PREFIX, call, left
from worker import app as module
from worker.app import Worker
from worker.errors import Misconfigured, Unreachable
from worker.fleet import resources
from worker.fleet.admission import default_max_sessions
from worker.messages import HAND_OVER
from worker.run_directory import SOCKET
from worker.session.channel import Channel

PATIENCE_S = 20.0


class Agents:
    """The server's side of the workers' connection: registers each worker, and drops it when told to."""

    def __init__(self) -> None:
        self.url = ""
        self.registrations: list[protocol.RegisterWorkerRequest] = []
        self.accepting = True
        self.asked_for_rooms = 0
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
        self.asked_for_rooms += 1
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


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """A directory for a worker's process; the path of a socket in it must be short."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


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


async def test_a_worker_that_is_never_registered_ends_as_unreachable(
    settings: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something takes the connection and says nothing, such as a proxy whose server is away."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(module, "START_SECONDS", 1.0)
    monkeypatch.setattr(module, "_check", AsyncMock())
    async with await asyncio.start_server(take, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        worker = Worker(settings(f"ws://127.0.0.1:{port}", VERBATIM_LIVEKIT__CONNECT_ATTEMPTS="0"))
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(Unreachable, match="never registers the worker"):
                await worker.run()


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


async def test_the_framework_s_own_drain_is_never_what_ends_a_call(settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings(VERBATIM_FLEET__DRAIN_TIMEOUT="0.2", VERBATIM_FLEET__HANDOVER_TIMEOUT="40"))
    assert worker._server._drain_timeout == needed(worker._settings.fleet)


async def test_calls_that_last_longer_than_the_drain_are_told_to_go_on_elsewhere(
    agents: Agents, settings: Callable[..., Loaded], short_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call ends once it was told, as one does that another agent has taken over."""
    worker = Worker(settings(agents.url, VERBATIM_FLEET__DRAIN_TIMEOUT="0.05"), short_directory)
    running = asyncio.create_task(worker.run())
    await agents.registered()
    told: list[Mapping[str, object]] = []
    channel = Channel()

    def over(order: Mapping[str, object]) -> None:
        told.append(order)
        jobs.clear()

    jobs = ["AJ_1"]
    monkeypatch.setattr(worker, "_jobs", lambda: jobs)
    monkeypatch.setattr(worker._intake, "_jobs", lambda: jobs)
    channel.on(HAND_OVER, over)
    assert await channel.open(short_directory / SOCKET, "AJ_1")
    await until(lambda: worker._calls.connected)
    worker._stop()
    async with asyncio.timeout(PATIENCE_S):
        await running
    assert told == [{"type": HAND_OVER, "seconds": 30.0}]
    await channel.close()


async def test_a_worker_that_drains_says_so_and_then_leaves_its_port_to_the_next(
    agents: Agents, settings: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORT_KEPT_SECONDS", 0.2)
    async with working(settings(agents.url)) as worker:
        await agents.registered()
        await until(lambda: worker.connected)
        public = worker._health.port
        worker._intake._reserved.add("AJ_1")
        worker._stop()
        status, body = await ready(worker)
        assert (status, body["reasons"]) == (503, ["draining"])
        await until(lambda: worker._health.port not in (public, 0))
        assert (await ready(worker))[0] == 503
        async with working(settings(agents.url, VERBATIM_FLEET__HEALTH_PORT=str(public))) as second:
            await agents.registered(2)
            await until(lambda: second.connected)
            assert (await ready(second))[0] == 200
        worker._intake._reserved.clear()


async def test_the_framework_is_told_to_drain_only_when_no_call_runs(
    settings: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(settings())
    waited: list[int] = []

    async def drain() -> None:
        waited.append(worker.sessions)

    monkeypatch.setattr(worker._server, "drain", drain)
    worker._intake._reserved.update({"AJ_1", "AJ_2"})
    draining = asyncio.create_task(worker._drain())
    await asyncio.sleep(0)
    assert not draining.done()
    worker._intake._reserved.clear()
    async with asyncio.timeout(PATIENCE_S):
        await draining
    assert waited == [0]


async def test_calls_that_outlast_the_drain_are_left_to_the_close(
    settings: Callable[..., Loaded], caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(settings(VERBATIM_FLEET__DRAIN_TIMEOUT="0.05"))
    worker._intake._reserved.add("AJ_1")
    async with asyncio.timeout(PATIENCE_S):
        await worker._drain()
    assert "calls were still running" in caplog.text


async def test_a_worker_that_was_told_to_stop_is_offered_no_more_calls(settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings())
    assert worker._intake.load == 0
    worker._stop()
    assert worker._intake.load == 1


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
        assert worker._intake.load == 1.0
        assert (await offer(worker)).rejected == {"terminate": False}

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
            assert (await offer(worker)).accepted is not None
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
            assert (await offer(worker)).rejected == {"terminate": False}
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
    """A call that is offered."""

    def __init__(self) -> None:
        self.id = "AJ_1"
        self.room = SimpleNamespace(name="kitchen", num_publishers=0, creation_time=time.time())
        self.job = SimpleNamespace(metadata="")
        self.accepted: dict[str, Any] | None = None
        self.rejected: dict[str, Any] | None = None

    async def accept(self, **options: Any) -> None:
        self.accepted = options

    async def reject(self, **options: Any) -> None:
        self.rejected = options


async def offer(worker: Worker) -> Request:
    request = Request()
    await worker._intake.answer(request)  # type: ignore[arg-type]
    return request


async def test_a_call_is_taken_under_the_identity_of_its_part(settings: Callable[..., Loaded]) -> None:
    request = await offer(Worker(settings(VERBATIM_AGENT__NAME="reception")))
    assert request.accepted == {"identity": "agent-reception-1"}


async def test_a_worker_that_was_told_to_stop_takes_no_call(settings: Callable[..., Loaded]) -> None:
    worker = Worker(settings())
    worker._stop()
    assert (await offer(worker)).rejected == {"terminate": False}


async def test_what_a_worker_refused_and_why_is_told(agents: Agents, settings: Callable[..., Loaded]) -> None:
    async with working(settings(agents.url, VERBATIM_FLEET__MAX_SESSIONS="1")) as worker:
        await agents.registered()
        await until(lambda: worker.connected)
        worker._intake._reserved.add("AJ_0")
        assert (await offer(worker)).rejected == {"terminate": False}
        _, body = await ready(worker, "/worker")
        assert body["admission"]["refused"] == {"full": 1}
        assert (body["admission"]["load"], body["sessions"], body["max_sessions"]) == (0.7001, 1, 1)
        assert body["crowded"] == "1 of fleet.max_sessions 1 calls run"
        assert await ready(worker) == (200, {"ready": True, "full": True, "reasons": []})
        worker._intake._reserved.clear()


async def test_a_worker_that_is_told_to_watch_asks_for_the_rooms(
    agents: Agents, settings: Callable[..., Loaded]
) -> None:
    async with working(settings(agents.url, VERBATIM_FLEET__WATCH="true")):
        await agents.registered()
        await until(lambda: agents.asked_for_rooms >= 2)  # once to try the key


def test_a_worker_holds_as_many_calls_as_its_machine_has_room_for_unless_told(settings: Callable[..., Loaded]) -> None:
    assert Worker(settings(VERBATIM_FLEET__MAX_SESSIONS="3")).max_sessions == 3
    assert Worker(settings()).max_sessions == default_max_sessions(resources.cores(), resources.memory().limit)
