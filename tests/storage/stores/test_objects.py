"""A bucket's troubles are told in one sentence with the remedy, end in time, and harm nothing that is stored."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import pytest

from config.sections.storage import StorageSettings
from tests.parts.object_stores import ObjectServer
from tests.parts.tcp_proxy import Fault, TcpProxy, proxy_to
from tests.storage.left import PREFIX, call, left
from worker.storage.errors import StorageRefused, StorageUnavailable, StorageUnwritable
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.verification import verify_session
from worker.storage.stores import objects
from worker.storage.stores.choice import open_store
from worker.storage.storing.finalise import finalise, publish

MANIFEST = f"{PREFIX}/RM_1-verbatim/manifest.json"


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
def bucket(moto: ObjectServer, no_clouds: pytest.MonkeyPatch) -> str:
    """Its credentials are in the environment."""
    for name, value in moto.environment.items():
        no_clouds.setenv(name, value)
    return moto.new_bucket()


@pytest.fixture
async def proxy(moto: ObjectServer) -> AsyncIterator[TcpProxy]:
    async with proxy_to(moto.port) as proxy:
        yield proxy


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines and retries as in use, only shorter."""
    monkeypatch.setattr(objects, "DEADLINE_S", 1.5)
    monkeypatch.setattr(objects, "PROBE_DEADLINE_S", 3.0)


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
@pytest.mark.usefixtures("short_pauses")
async def test_an_answer_is_told_with_its_remedy_and_nothing_else_of_it(
    moto: ObjectServer,
    bucket: str,
    proxy: TcpProxy,
    status: int,
    code: str,
    error: type[StorageUnwritable],
    sentence: str,
) -> None:
    await proxy.set(Fault.ANSWERS, answer=(status, code))
    with pytest.raises(error) as raised:
        await moto.store(bucket, port=proxy.port).put("a", b"1")
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
@pytest.mark.usefixtures("short_pauses")
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


@pytest.mark.usefixtures("short_pauses")
async def test_a_server_that_is_stopped_is_told_and_used_again_when_it_is_back(
    moto: ObjectServer, bucket: str, proxy: TcpProxy
) -> None:
    store = moto.store(bucket, port=proxy.port)
    await proxy.set(Fault.STOPPED)
    for asking in (store.put("a", b"1"), store.get("a"), store.list(), store.delete("a")):
        with pytest.raises(StorageUnavailable, match=r"\(no connection\): it is tried again"):
            await asking
    await proxy.set(Fault.NONE)
    await store.probe()


async def test_the_encryption_that_the_environment_asks_for_is_asked_of_the_store(
    moto: ObjectServer, bucket: str, no_clouds: pytest.MonkeyPatch
) -> None:
    no_clouds.setenv("AWS_SERVER_SIDE_ENCRYPTION", "aws:kms")
    no_clouds.setenv("AWS_SSE_KMS_KEY_ID", "key-of-the-transcripts")
    await moto.store(bucket).put("a", b"1")
    head = moto.client().head_object(Bucket=bucket, Key="a")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "key-of-the-transcripts")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.SLOW])
async def test_a_server_that_does_not_answer_is_given_up_at_the_deadline(
    moto: ObjectServer, bucket: str, proxy: TcpProxy, fault: Fault
) -> None:
    store = moto.store(bucket, port=proxy.port)
    await moto.store(bucket).put("a", b"1" * 100)
    await proxy.set(fault)
    asking = asyncio.gather(
        store.put("b", b"1"), store.get("a"), store.list(), store.delete("a"), store.probe(), return_exceptions=True
    )
    told = [str(error).partition("): ")[0] for error in await asking]
    done = ["written to", "read", "listed", "deleted from", "written to"]
    assert told == [f"s3://{bucket} cannot be {each} (no answer in 2 s" for each in done]


async def test_a_put_that_was_given_up_is_not_tried_again_over_a_newer_one(
    moto: ObjectServer, bucket: str, proxy: TcpProxy
) -> None:
    await proxy.set(Fault.ANSWERS, answer=(503, "SlowDown"))
    putting = asyncio.create_task(moto.store(bucket, port=proxy.port).put("a", b"older"))
    async with asyncio.timeout(20):
        while not proxy.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    came = len(proxy.requests)
    await proxy.set(Fault.NONE)
    direct = moto.store(bucket)
    await direct.put("a", b"newer")
    await asyncio.sleep(1)  # longer than the client would have waited before its next try
    assert len(proxy.requests) == came
    assert await direct.get("a") == b"newer"


@pytest.mark.parametrize("fault", [Fault.STOPPED, Fault.CUT, Fault.ANSWERS])
@pytest.mark.parametrize("only", ["", "PUT", "manifest.json", "GET"])
@pytest.mark.usefixtures("short_pauses")
async def test_whatever_fails_the_journal_stays_and_is_finalised_afterwards(
    moto: ObjectServer, bucket: str, proxy: TcpProxy, tmp_path: Path, fault: Fault, only: str
) -> None:
    journal = left(tmp_path, call())
    store = moto.store(bucket, port=proxy.port)
    await proxy.set(fault, only=only)
    for storing in (publish, finalise):
        with pytest.raises(StorageUnavailable):
            await storing([journal], store)
    assert journal.read_bytes() == b"".join(call())
    assert await moto.store(bucket).get(MANIFEST) is None
    await proxy.set(Fault.NONE)
    await finalise([journal], store)
    assert not journal.exists()
    (session,) = await Catalogue(store, tmp_path).sessions()
    assert await verify_session(store, session) == []
