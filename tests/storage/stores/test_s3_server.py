"""A real S3 server checks signatures, rights and clocks, and its disk may be full: its answers are understood."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.sections.storage import StorageSettings
from tests.parts.availability import PROJECT
from tests.parts.object_stores import ObjectServer, running_versitygw
from tests.parts.small_disk import small_disk
from tests.parts.tcp_proxy import Fault, TcpProxy, proxy_to
from tests.storage.left import PREFIX, call, left
from worker.storage.errors import StorageRefused, StorageUnavailable
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.verification import verify_session
from worker.storage.stores import objects
from worker.storage.stores.answers import WRONG_CLOCK
from worker.storage.stores.choice import open_store
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise

pytestmark = [pytest.mark.slow, pytest.mark.needs("versitygw")]

PAGE = PROJECT / "docs" / "how-to" / "store-in-a-bucket.md"
MANIFEST = f"{PREFIX}/RM_1-verbatim/manifest.json"
EVERYTHING = ("PutObject", "GetObject", "ListBucket", "DeleteObject")


@pytest.fixture
def credentials(s3: ObjectServer, no_clouds: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Those that may do everything are in the environment."""
    for name, value in s3.environment.items():
        no_clouds.setenv(name, value)
    return no_clouds


@pytest.fixture
def bucket(s3: ObjectServer, credentials: pytest.MonkeyPatch) -> str:
    return s3.new_bucket()


@pytest.fixture
async def proxy(s3: ObjectServer) -> AsyncIterator[TcpProxy]:
    async with proxy_to(s3.port) as proxy:
        yield proxy


async def refusal(store: Store) -> str:
    with pytest.raises(StorageRefused) as refused:
        await store.probe()
    return str(refused.value)


async def test_every_right_that_is_missing_is_named_at_once(
    s3: ObjectServer, bucket: str, credentials: pytest.MonkeyPatch
) -> None:
    wanted = {
        (): "written to, listed and deleted from (the credentials may not): "
        "give them s3:PutObject, s3:ListBucket and s3:DeleteObject there",
        ("PutObject", "ListBucket"): "read and deleted from (the credentials may not): "
        "give them s3:GetObject and s3:DeleteObject there",
        ("PutObject", "GetObject", "DeleteObject"): "listed (the credentials may not): give them s3:ListBucket there",
        ("GetObject", "ListBucket", "DeleteObject"): "written to (the credentials may not): "
        "give them s3:PutObject there",
    }
    for actions, sentence in wanted.items():
        for name, value in s3.new_user(bucket, *actions).items():
            credentials.setenv(name, value)
        assert await refusal(s3.store(bucket, "eu")) == f"s3://{bucket}/eu cannot be {sentence}"


async def test_four_rights_are_enough(s3: ObjectServer, bucket: str, credentials: pytest.MonkeyPatch) -> None:
    for name, value in s3.new_user(bucket, *EVERYTHING).items():
        credentials.setenv(name, value)
    await s3.store(bucket).probe()


@pytest.mark.parametrize(
    ("wrong", "url", "region", "sentence"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "other-key"},
            "s3://{bucket}",
            None,
            "(its credentials are wrong or expired, InvalidAccess",
        ),
        ({"AWS_SECRET_ACCESS_KEY": "x"}, "s3://{bucket}", None, "(its credentials are wrong or expired, SignatureDoes"),
        ({}, "s3://{bucket}x", None, "(there is no such bucket, NoSuchBucket): make it, or correct storage.url"),
        ({}, "s3://{bucket}", "eu-west-1", "(the bucket is in another region): set storage.region to us-east-1"),
    ],
)
async def test_what_is_wrong_with_the_settings_is_told_apart(
    s3: ObjectServer,
    bucket: str,
    credentials: pytest.MonkeyPatch,
    wrong: dict[str, str],
    url: str,
    region: str | None,
    sentence: str,
) -> None:
    for name, value in wrong.items():
        credentials.setenv(name, value)
    address = url.format(bucket=bucket)
    store = open_store(StorageSettings(url=address, endpoint=s3.endpoint, region=region))
    told = await refusal(store)
    assert told.startswith(f"{address} cannot be written to {sentence}")
    assert not any(secret in told for secret in (s3.key, s3.secret, "other-key"))


async def test_a_bucket_that_is_gone_is_not_taken_for_an_empty_one(s3: ObjectServer, bucket: str) -> None:
    store = s3.store(f"{bucket}-gone")
    for asking in (store.get("a"), store.list(), store.delete("a"), store.put("a", b"1")):
        with pytest.raises(StorageRefused, match="no such bucket"):
            await asking


@pytest.mark.usefixtures("short_pauses")
async def test_a_put_that_is_cut_in_its_middle_leaves_what_was_there(
    s3: ObjectServer, bucket: str, proxy: TcpProxy
) -> None:
    direct, store = s3.store(bucket), s3.store(bucket, port=proxy.port)
    await direct.put("a", b"older")
    await proxy.set(Fault.CUT)
    with pytest.raises(StorageUnavailable):
        await store.put("a", b"newer" * 100_000)
    assert await direct.get("a") == b"older"
    assert await direct.list() == ["a"]
    await proxy.set(Fault.NONE)
    await store.put("a", b"newer")
    assert await direct.get("a") == b"newer"


async def test_a_long_listing_is_read_page_by_page(s3: ObjectServer, bucket: str, proxy: TcpProxy) -> None:
    assert s3.data is not None
    directory = s3.data / bucket / "a"
    directory.mkdir()
    for number in range(2 * objects.PAGE + 1):
        (directory / f"{number:05}").touch()
    found = await s3.store(bucket, port=proxy.port).list("a")
    assert found == [f"a/{number:05}" for number in range(2 * objects.PAGE + 1)]
    assert len(proxy.requests) == 3


async def test_a_clock_that_is_wrong_has_the_code_that_the_sentence_is_made_from(
    s3: ObjectServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # obstore's clock cannot be set, another client's can: the server is the same.
    from botocore import auth
    from botocore.exceptions import ClientError

    client = s3.client()
    monkeypatch.setattr(
        auth, "get_current_datetime", lambda: datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    )
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert refused.value.response["Error"]["Code"] in WRONG_CLOCK


@pytest.mark.needs("root")
async def test_a_store_that_is_full_keeps_what_it_has_and_takes_more_when_there_is_room(
    tmp_path: Path, no_clouds: pytest.MonkeyPatch
) -> None:
    journal = left(tmp_path / "journals", call())
    with small_disk(tmp_path / "store") as disk, running_versitygw(disk.path) as server:
        for name, value in server.environment.items():
            no_clouds.setenv(name, value)
        store = server.store(server.new_bucket())
        await store.put("a", b"1")
        disk.fill()
        with pytest.raises(StorageUnavailable, match=r"\(it is full, InsufficientStorage\): make room; it is tried"):
            await finalise([journal], store)
        assert (journal.exists(), await store.get("a"), await store.get(MANIFEST)) == (True, b"1", None)
        disk.free()
        await finalise([journal], store)
        (session,) = await Catalogue(store, tmp_path / "journals").sessions()
        assert await verify_session(store, session) == []


@pytest.fixture
def policies() -> list[list[dict[str, Any]]]:
    """The statements of each policy of the page: the worker's, and the readers'."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [json.loads(block)["Statement"] for block in blocks if "Statement" in block]


def without(statements: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    left = [{**each, "Action": [one for one in each["Action"] if one != action]} for each in statements]
    return [each for each in left if each["Action"]]


def use(environment: pytest.MonkeyPatch, server: ObjectServer, bucket: str, statements: list[dict[str, Any]]) -> None:
    """Put the credentials of a new user into the environment, who may do this in `bucket`."""
    text = json.dumps(statements).replace("arn:aws:s3:::calls", f"arn:aws:s3:::{bucket}")
    for name, value in server.new_user_with(bucket, json.loads(text)).items():
        environment.setenv(name, value)


async def test_the_worker_s_policy_of_the_page_is_enough_and_needs_each_of_its_rights(
    s3: ObjectServer,
    bucket: str,
    credentials: pytest.MonkeyPatch,
    proxy: TcpProxy,
    tmp_path: Path,
    policies: list[list[dict[str, Any]]],
) -> None:
    worker, _ = policies
    use(credentials, s3, bucket, worker)
    store = s3.store(bucket, "production", port=proxy.port)
    await store.probe()
    await finalise([left(tmp_path, call())], store)
    (session,) = await Catalogue(store, tmp_path).sessions()
    assert await verify_session(store, session) == []
    await store.put("open/RM_1-verbatim/AJ_1", b"{}")
    await store.delete("open/RM_1-verbatim/AJ_1")
    # The condition of the policy, which this server does not know: nothing is listed but below the prefix.
    listed = [request for request in proxy.requests if "list-type=2" in request]
    assert listed
    assert all("prefix=production%2F" in request for request in listed)
    for action in [action for statement in worker for action in statement["Action"]]:
        use(credentials, s3, bucket, without(worker, action))
        assert action in await refusal(s3.store(bucket, "production"))


async def test_the_readers_policy_of_the_page_is_enough_to_read_and_for_nothing_else(
    s3: ObjectServer,
    bucket: str,
    credentials: pytest.MonkeyPatch,
    tmp_path: Path,
    policies: list[list[dict[str, Any]]],
) -> None:
    await finalise([left(tmp_path, call())], s3.store(bucket, "production"))
    _, reader = policies
    use(credentials, s3, bucket, reader)
    store = s3.store(bucket, "production")
    catalogue = Catalogue(store, tmp_path)
    (session,) = await catalogue.sessions()
    assert (await catalogue.transcript(session)).turns
    assert await verify_session(store, session) == []
    for changing in (store.put("a", b"1"), store.delete(MANIFEST)):
        with pytest.raises(StorageRefused, match="the credentials may not"):
            await changing
