"""A bucket's troubles are told in one sentence with the remedy, end in time, and harm nothing that is stored."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from config.sections.storage import StorageSettings
from tests.parts.object_stores import ObjectServer, running_versitygw
from tests.parts.small_disk import small_disk
from tests.parts.tcp_proxy import Fault, TcpProxy, proxy_to
from tests.storage.left import PREFIX, call, left
from worker.storage import objects
from worker.storage.answers import WRONG_CLOCK
from worker.storage.catalogue import Catalogue
from worker.storage.errors import StorageRefused, StorageUnavailable, StorageUnwritable
from worker.storage.finalise import finalise, publish
from worker.storage.store import Store
from worker.storage.stores import open_store
from worker.storage.verification import verify_session

pytestmark = pytest.mark.needs("versitygw")

MANIFEST = f"{PREFIX}/RM_1-verbatim/manifest.json"
EVERYTHING = ("PutObject", "GetObject", "ListBucket", "DeleteObject")


GOOGLE = {
    "url": "gs://calls/eu",
    "GOOGLE_BEARER_TOKEN": "token",
    "no_bucket": "NoSuchBucket",
    "wrong_key": "AuthenticationFailed",
    "denied": "AccessDenied",
    "keys": "GOOGLE_APPLICATION_CREDENTIALS",
    "right": "storage.objects.create",
}
AZURE = {
    "url": "az://calls/eu",
    "AZURE_STORAGE_ACCOUNT_NAME": "account",
    "AZURE_STORAGE_ACCOUNT_KEY": "c2VjcmV0",
    "no_bucket": "ContainerNotFound",
    "wrong_key": "AuthenticationFailed",
    "denied": "AuthorizationPermissionMismatch",
    "keys": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "right": "the role Storage Blob Data Contributor",
}


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


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines and retries as in use, only shorter."""
    monkeypatch.setattr(objects, "DEADLINE_S", 1.5)
    monkeypatch.setattr(objects, "PROBE_DEADLINE_S", 3.0)


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


@pytest.mark.parametrize(
    ("status", "code", "error", "sentence"),
    [
        (
            500,
            "InternalError",
            StorageUnavailable,
            "(it answers with InternalError): it is tried again; look",
        ),
        (503, "SlowDown", StorageUnavailable, "(it answers with SlowDown): it is tried again"),
        (507, "XMinioStorageFull", StorageUnavailable, "(it is full, XMinioStorageFull): make room; it is"),
        (403, "AccessDenied", StorageRefused, "(the credentials may not): give them s3:PutObject there"),
        (403, "RequestTimeTooSkewed", StorageRefused, "(this machine's clock is wrong, RequestTimeTooSkewed): set it"),
        (403, "ExpiredToken", StorageRefused, "(its credentials are wrong or expired, ExpiredToken): give the worker"),
        (405, "MethodNotAllowed", StorageRefused, "(it answers with MethodNotAllowed): check storage.url and storage."),
    ],
)
async def test_an_answer_is_told_with_its_remedy_and_nothing_else_of_it(
    s3: ObjectServer,
    bucket: str,
    proxy: TcpProxy,
    status: int,
    code: str,
    error: type[StorageUnwritable],
    sentence: str,
) -> None:
    await proxy.set(Fault.ANSWERS, answer=(status, code))
    with pytest.raises(error) as raised:
        await s3.store(bucket, port=proxy.port).put("a", b"1")
    assert str(raised.value).startswith(f"s3://{bucket} cannot be written to {sentence}")
    assert "AKIASECRET" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "code", "error", "sentence"),
    [
        (404, "{no_bucket}", StorageRefused, "(there is no such bucket, {no_bucket}): make it, or correct storage.url"),
        (
            403,
            "{wrong_key}",
            StorageRefused,
            "(its credentials are wrong or expired, {wrong_key}): give the worker",
        ),
        (401, "", StorageRefused, "(its credentials are wrong or expired, HTTP status 401): give the worker {keys}"),
        (403, "{denied}", StorageRefused, "(the credentials may not): give them {right} there"),
        (503, "ServerBusy", StorageUnavailable, "(it answers with ServerBusy): it is tried again; look at the store"),
    ],
)
@pytest.mark.parametrize("cloud", [GOOGLE, AZURE], ids=["gs", "az"])
async def test_google_s_and_azure_s_answers_are_told_too(
    proxy: TcpProxy,
    no_clouds: pytest.MonkeyPatch,
    cloud: Mapping[str, str],
    status: int,
    code: str,
    error: type[StorageUnwritable],
    sentence: str,
) -> None:
    for name, value in cloud.items():
        if name.isupper():
            no_clouds.setenv(name, value)
    await proxy.set(Fault.ANSWERS, answer=(status, code.format_map(cloud)))
    store = open_store(StorageSettings(url=cloud["url"], endpoint=f"http://127.0.0.1:{proxy.port}"))
    with pytest.raises(error) as raised:
        await store.put("a", b"1")
    assert str(raised.value).startswith(f"{cloud['url']} cannot be written to {sentence.format_map(cloud)}")
    assert store.address("a") == f"{cloud['url']}/a"
    assert "/calls/eu/a" in unquote(proxy.requests[0])


async def test_a_server_that_is_stopped_is_told_and_used_again_when_it_is_back(
    s3: ObjectServer, bucket: str, proxy: TcpProxy
) -> None:
    store = s3.store(bucket, port=proxy.port)
    await proxy.set(Fault.STOPPED)
    for asking in (store.put("a", b"1"), store.get("a"), store.list(), store.delete("a")):
        with pytest.raises(StorageUnavailable, match=r"\(no connection\): it is tried again"):
            await asking
    await proxy.set(Fault.NONE)
    await store.probe()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.SLOW])
async def test_a_server_that_does_not_answer_is_given_up_at_the_deadline(
    s3: ObjectServer, bucket: str, proxy: TcpProxy, fault: Fault
) -> None:
    store = s3.store(bucket, port=proxy.port)
    await s3.store(bucket).put("a", b"1" * 100)
    await proxy.set(fault)
    asking = asyncio.gather(
        store.put("b", b"1"), store.get("a"), store.list(), store.delete("a"), store.probe(), return_exceptions=True
    )
    told = [str(error).partition("): ")[0] for error in await asking]
    done = ["written to", "read", "listed", "deleted from", "written to"]
    assert told == [f"s3://{bucket} cannot be {each} (no answer in 2 s" for each in done]


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


async def test_a_put_that_was_given_up_is_not_tried_again_over_a_newer_one(
    s3: ObjectServer, bucket: str, proxy: TcpProxy
) -> None:
    await proxy.set(Fault.ANSWERS, answer=(503, "SlowDown"))
    putting = asyncio.create_task(s3.store(bucket, port=proxy.port).put("a", b"older"))
    async with asyncio.timeout(20):
        while not proxy.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    came = len(proxy.requests)
    await proxy.set(Fault.NONE)
    direct = s3.store(bucket)
    await direct.put("a", b"newer")
    await asyncio.sleep(1)  # longer than the client would have waited before its next try
    assert len(proxy.requests) == came
    assert await direct.get("a") == b"newer"


@pytest.mark.parametrize("fault", [Fault.STOPPED, Fault.CUT, Fault.ANSWERS])
@pytest.mark.parametrize("only", ["", "PUT", "manifest.json", "GET"])
async def test_whatever_fails_the_journal_stays_and_is_finalised_afterwards(
    s3: ObjectServer, bucket: str, proxy: TcpProxy, tmp_path: Path, fault: Fault, only: str
) -> None:
    journal = left(tmp_path, call())
    store = s3.store(bucket, port=proxy.port)
    await proxy.set(fault, only=only)
    for storing in (publish, finalise):
        with pytest.raises(StorageUnavailable):
            await storing([journal], store)
    assert journal.read_bytes() == b"".join(call())
    assert await s3.store(bucket).get(MANIFEST) is None
    await proxy.set(Fault.NONE)
    await finalise([journal], store)
    assert not journal.exists()
    (session,) = await Catalogue(store, tmp_path).sessions()
    assert await verify_session(store, session) == []


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
