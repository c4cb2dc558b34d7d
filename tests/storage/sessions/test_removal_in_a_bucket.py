"""In a bucket, a removal goes by the store's clock, and says whether what was deleted is kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.parts.object_stores import ObjectServer
from tests.storage.left import PREFIX, call, left
from worker.storage.sessions.removal import Target, remove
from worker.storage.sessions.retention import Retention
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise
from worker.storage.storing.leases import Lease
from worker.storage.storing.tombstone import key

SESSION = f"{PREFIX}/RM_1-verbatim"
TARGET = Target("RM_1-verbatim", SESSION)


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    return tmp_path / "journals"


@pytest.fixture
def bucket(moto: ObjectServer) -> str:
    return moto.new_bucket()


@pytest.fixture
def store(moto: ObjectServer, bucket: str, no_clouds: pytest.MonkeyPatch) -> Store:
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    return moto.store(bucket)


async def test_a_session_goes_and_its_tombstone_stays(store: Store, tmp_path: Path, journals: Path) -> None:
    await finalise([left(tmp_path, call(1))], store)
    assert (await remove(store, journals, TARGET)).objects == 7
    assert await store.list() == [key(SESSION)]


async def test_a_call_on_another_node_stays(store: Store, journals: Path) -> None:
    lease = Lease(prefix=SESSION, room="support", room_sid="RM_1", agent_identity="agent-verbatim-1")
    await store.put("open/RM_1-verbatim/AJ_1", lease.encode())
    assert "still running" in (await remove(store, journals, TARGET)).refused
    assert await store.list() == ["open/RM_1-verbatim/AJ_1"]


async def test_what_is_too_old_goes(store: Store, tmp_path: Path) -> None:
    await finalise([left(tmp_path / "journals", call(1))], store)
    retention = Retention(store, tmp_path / "journals", 30)
    assert await retention.sweep(datetime(2026, 12, 21, tzinfo=UTC).date()) == []
    (removal,) = await retention.sweep(datetime(2026, 12, 21, tzinfo=UTC).date() + timedelta(days=1))
    assert removal.refused == ""
    assert await store.list() == [key(SESSION)]


@pytest.mark.parametrize(("status", "kept"), [("Enabled", True), ("Suspended", False)])
async def test_a_bucket_that_keeps_old_versions_is_known(
    moto: ObjectServer, bucket: str, store: Store, status: str, kept: bool
) -> None:
    moto.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
    assert await store.keeps_versions() is kept
