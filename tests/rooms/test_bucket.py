"""A whole call whose store is a bucket: its words leave the node while it runs, and an outage touches nobody."""

import asyncio
import json
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

from standins.caller import Caller
from tests.parts.livekit_server import free_ports
from tests.parts.object_stores import ObjectServer
from tests.parts.tcp_proxy import Fault, TcpProxy
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings, until
from tests.rooms.words import words
from tests.rooms.worker_process import WorkerProcess, working
from worker.storage.sessions.catalogue import Catalogue, Session
from worker.storage.sessions.verification import verify_session
from worker.storage.stores.store import Store
from worker.transcript.model import Transcript

pytestmark = [pytest.mark.slow, pytest.mark.needs("versitygw"), pytest.mark.timeout(180)]

PASSWORD = "I forgot my password."
CARDS = "Do you sell gift cards?"
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """What was seen of the call in which the store went away."""

    transcript: Transcript
    findings: list[str]
    shipped: bytes
    """What had left the node before the store went."""
    spool: dict[str, Any]
    """What the worker said of itself after the call, while the store was away."""
    was_ready: bool
    leases: tuple[list[str], list[str]]
    """During the call, and in the end."""
    log: str


async def _call(surroundings: Surroundings, worker: WorkerProcess, store: Store, proxy: TcpProxy) -> Call:
    room = new_room("bucket")
    catalogue = Catalogue(store, surroundings.directory / "bucket" / "journals")
    async with Caller() as caller:
        await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="bucket"))
        await caller.wait_for_agent()
        await caller.speak(PASSWORD)
        await caller.listen()
        shipped = await until(lambda: _shipped(store, b"user.final"), PATIENCE_S, "nothing left the node")
        leases = await store.list("open")
        await proxy.set(Fault.STOPPED)
        await caller.speak(CARDS)
        await caller.listen()
    spool = await until(lambda: _waiting(worker), PATIENCE_S, "nothing waits for the store")
    was_ready = bool(worker._is_ready())
    await proxy.set(Fault.NONE)
    session = await until(lambda: _final(catalogue), PATIENCE_S, "the transcript was not stored")
    findings = [str(finding) for finding in await verify_session(store, session)]
    transcript = await catalogue.transcript(session)
    return Call(transcript, findings, shipped, spool, was_ready, (leases, await store.list("open")), worker.log)


async def _shipped(store: Store, wanted: bytes) -> bytes | None:
    contents = [await store.get(key) for key in await store.list() if "/parts/" in key]
    shipped = b"".join(content for content in contents if content is not None)
    return shipped if wanted in shipped else None


async def _waiting(worker: WorkerProcess) -> dict[str, Any] | None:
    def ask() -> Any:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"http://127.0.0.1:{worker.port}/worker", timeout=5) as answer:
            return json.load(answer)

    body = await asyncio.to_thread(ask)
    return body["spool"] if not body["sessions"] and body["spool"]["store_trouble"] else None


async def _final(catalogue: Catalogue) -> Session | None:
    sessions = await catalogue.sessions()
    return sessions[0] if sessions and sessions[0].stored and not sessions[0].journals else None


@pytest.fixture(scope="module")
def call(surroundings: Surroundings, s3: ObjectServer) -> Call:
    bucket = s3.new_bucket()
    (port,) = free_ports(1)
    settings = {
        "VERBATIM_STORAGE__URL": f"s3://{bucket}/of us",
        "VERBATIM_STORAGE__ENDPOINT": f"http://127.0.0.1:{port}",
        "VERBATIM_STORAGE__JOURNAL_DIR": str(surroundings.directory / "bucket" / "journals"),
        "VERBATIM_STORAGE__SWEEP_SECONDS": "1",
        **s3.environment,
    }

    async def held() -> Call:
        proxy = TcpProxy(s3.port)
        proxy.port = port
        await proxy.start()
        worker_runs = working(surroundings, "bucket", settings)
        worker = await asyncio.to_thread(worker_runs.__enter__)
        try:
            return await _call(surroundings, worker, s3.store(bucket, "of us"), proxy)
        finally:
            await asyncio.to_thread(worker_runs.__exit__, None, None, None)
            await proxy.stop()

    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment.items():
            patch.setenv(name, value)
        return asyncio.run(held())


def test_what_was_said_left_the_node_while_the_call_ran(call: Call) -> None:
    lines = [json.loads(line) for line in call.shipped.splitlines()]
    (said,) = [line["text"] for line in lines if line["kind"] == "user.final"]
    assert words(said) == words(PASSWORD)
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    (lease,) = call.leases[0]
    assert lease.startswith(f"open/{call.transcript.transcript_id}/AJ_")


def test_a_store_that_goes_away_is_not_noticed_in_the_call(call: Call) -> None:
    transcript = call.transcript
    said = " ".join(turn.text for turn in transcript.turns if turn.role == "user")
    assert words(said) == words(f"{PASSWORD} {CARDS}")
    assert (transcript.ended.reason, transcript.errors, transcript.gaps) == ("caller_left", (), ())
    assert transcript.complete


def test_after_the_call_its_journal_waits_and_the_worker_stays_ready(call: Call) -> None:
    assert call.was_ready
    assert call.spool["journals"] == 1
    assert call.spool["store_trouble"].endswith(
        "(no connection): it is tried again; check storage.endpoint and the network"
    )


def test_when_the_store_is_back_it_gets_everything_and_the_lease_goes(call: Call) -> None:
    assert call.findings == []
    assert call.leases[1] == []


def test_neither_words_nor_secrets_are_in_the_log(call: Call, s3: ObjectServer) -> None:
    assert "store_unavailable" in call.log
    assert not any(each in call.log for each in ("password", "gift cards", s3.secret))
