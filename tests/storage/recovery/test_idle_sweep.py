"""A sweep that finds nothing to finish costs one listing of the leases, however much is stored beside them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.parts.object_stores import ObjectServer
from tests.parts.tcp_proxy import TcpProxy, proxy_to
from tests.storage.left import PREFIX
from tests.storage.recovery.lost_node import Watcher, shipped
from worker.storage.recovery.other_nodes import LEASE_AGE_S
from worker.storage.recovery.sweep import State
from worker.storage.stores.store import Store

STORED = 100_000
A_DAY = 1000


@pytest.fixture
def credentials(moto: ObjectServer, no_clouds: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    return no_clouds


@pytest.fixture
async def proxy(moto: ObjectServer) -> AsyncIterator[TcpProxy]:
    async with proxy_to(moto.port) as proxy:
        yield proxy


def listings(requests: list[str], bucket: str) -> int:
    """How many of the requests list leases; there must be no others."""
    assert all(each.startswith(f"GET /{bucket}?") and "prefix=open%2F" in each for each in requests), requests
    return len(requests)


@pytest.mark.usefixtures("credentials")
async def test_a_sweep_over_calls_that_run_costs_one_listing(
    moto: ObjectServer, proxy: TcpProxy, tmp_path: Path
) -> None:
    bucket = moto.new_bucket()
    direct, store = moto.store(bucket), moto.store(bucket, port=proxy.port)
    for number in range(5):
        await shipped(direct, sid=f"RM_{number}")
        await direct.put(f"{PREFIX}/RM_old{number}-verbatim/manifest.json", b"{}")
    watcher = Watcher(store, tmp_path)
    for _ in range(3):
        assert {outcome.state for outcome in await watcher.sweep()} == {State.IN_USE}
    assert listings(proxy.requests, bucket) == 3
    assert watcher.rooms.asked == 0


@pytest.mark.usefixtures("credentials")
async def test_a_call_of_a_lost_node_is_finished_in_a_bucket(moto: ObjectServer, tmp_path: Path) -> None:
    store = moto.store(moto.new_bucket(), "eu")
    await shipped(store)
    (outcome,) = await Watcher(store, tmp_path).after(LEASE_AGE_S)
    assert outcome.state is State.FINALISED
    assert b"words 1" in (await store.get(f"{PREFIX}/RM_1-verbatim/transcript.txt") or b"")
    assert await store.list("open") == []


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.needs("versitygw")
async def test_an_idle_sweep_beside_a_hundred_thousand_transcripts_costs_one_listing(
    s3: ObjectServer, no_clouds: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in s3.environment.items():
        no_clouds.setenv(name, value)
    bucket = s3.new_bucket()
    assert s3.data is not None
    for number in range(STORED):
        day, month = divmod(number // A_DAY, 12)
        session = s3.data / bucket / f"2026/{month + 1:02}/{day + 1:02}/support/RM_{number}-verbatim"
        session.mkdir(parents=True)
        (session / "manifest.json").write_bytes(b"{}")
    async with proxy_to(s3.port) as proxy:
        store: Store = s3.store(bucket, port=proxy.port)
        assert await Watcher(store, tmp_path).after(LEASE_AGE_S) == []
        assert listings(proxy.requests, bucket) == 2
        assert len(await store.list("2026/01/01")) == A_DAY  # what is stored can be seen
