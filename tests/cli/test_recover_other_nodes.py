"""`verbatim transcripts recover` where another node is lost: it tells, watches for as long as it must, and finishes."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Outcome
from tests.parts.livekit_server import LiveKitServer
from tests.parts.object_stores import ObjectServer
from tests.storage.recovery.lost_node import lease_key, session, shipped
from worker.cli import main
from worker.storage.recovery import other_nodes
from worker.storage.stores.store import Store

WATCHED_S = 0.01

Command = Callable[..., Outcome]


@pytest.fixture
def store(moto: ObjectServer, no_clouds: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """A bucket; the settings and the environment name it."""
    no_clouds.setattr(other_nodes, "LEASE_AGE_S", WATCHED_S)
    no_clouds.chdir(tmp_path)
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    bucket = moto.new_bucket()
    (tmp_path / "verbatim.yaml").write_text(f"storage: {{url: 's3://{bucket}', endpoint: '{moto.endpoint}'}}\n")
    return moto.store(bucket)


@pytest.fixture
def recover(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    for name in os.environ:
        if name.startswith("VERBATIM_"):
            monkeypatch.delenv(name)

    def recover(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["verbatim", "transcripts", "recover", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, *capsys.readouterr())

    return recover


@pytest.fixture
def livekit(livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name a LiveKit server, in which there is no such room."""
    monkeypatch.setenv("LIVEKIT_URL", livekit_server.url)
    monkeypatch.setenv("LIVEKIT_API_KEY", livekit_server.api_key)
    monkeypatch.setenv("LIVEKIT_API_SECRET", livekit_server.api_secret)


@pytest.mark.usefixtures("livekit")
def test_a_call_of_a_lost_node_is_watched_and_then_finished(store: Store, recover: Command) -> None:
    asyncio.run(shipped(store))
    dry = recover("--dry-run")
    assert (dry.status, dry.out) == (0, "RM_1-verbatim, job AJ_1: would be finalised\n")
    assert "1 call of other nodes may be over: their leases are watched for " in dry.err
    assert asyncio.run(store.list("open")) == [lease_key()]
    done = recover("--json")
    (found,) = json.loads(done.out)
    assert (done.status, found["state"], found["lease"], found["journal"]) == (0, "finalised", lease_key(), None)
    assert found["manifest"] == store.address(f"{session()}/manifest.json")
    assert asyncio.run(store.list("open")) == []
    nothing = recover()
    assert (nothing.status, nothing.out) == (0, "")
    assert "no other node left a call" in nothing.err


@pytest.mark.usefixtures("livekit")
def test_a_lease_that_is_renewed_meanwhile_is_in_use(
    store: Store, recover: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(shipped(store))
    before = asyncio.run(store.objects("open"))

    async def renewed(_: float) -> None:
        async with asyncio.timeout(20):
            while await store.objects("open") == before:  # the times of S3 are whole seconds
                await shipped(store, [])

    monkeypatch.setattr("worker.cli.transcripts.recover.asyncio.sleep", renewed)
    done = recover()
    assert done.status == 0
    assert done.out.startswith("RM_1-verbatim, job AJ_1: in use on another node: its lease was renewed")
    assert asyncio.run(store.list("open")) == [lease_key()]


@pytest.mark.parametrize("settings", [{}, {"LIVEKIT_URL": "ws://127.0.0.1:1"}])
def test_without_livekit_it_waits_and_says_why(
    store: Store, recover: Command, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    if settings:
        for name, value in {**settings, "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "s" * 32}.items():
            monkeypatch.setenv(name, value)
    asyncio.run(shipped(store))
    done = recover()
    assert done.status == 1
    assert done.out.startswith("RM_1-verbatim, job AJ_1: waits: ")
    assert "LiveKit" in done.out
    assert asyncio.run(store.list("open")) == [lease_key()]
