"""A store in a bucket: S3 and what is compatible with it, Google Cloud Storage, Azure.

A put is one request, whatever its size: the store has the whole object or the one before, never a part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from config.storage_url import Bucket
from worker.storage.errors import StorageUnwritable
from worker.storage.stores.answers import RightMissing, is_no_such_key, missing, no_answer, trouble
from worker.storage.stores.store import PROBES, Store, StoredObject, probe_key

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

DEADLINE_S = 30.0
"""How long one operation may take, all its retries included, apart from the bytes that it moves."""

PROBE_DEADLINE_S = 15.0
"""How long a probe may take, all four operations together."""

DIRECTORIES_DEADLINE_S = 120.0
"""How long all pages of one level of names may take: a busy day has a hundred of them."""

SLOWEST_BYTES_PER_S = 100_000
"""What a connection must carry at least: a megabyte gets ten seconds more."""

PAGE = 1000
"""Keys that a store lists in one answer, at most (S3, ListObjectsV2)."""

RETRIES: RetryConfig = {
    "max_retries": 4,
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2)},
    "retry_timeout": timedelta(seconds=15),
}
"""For troubles that pass in seconds; longer ones are the callers', who know what can wait."""


def client_options(*, allow_http: bool) -> ClientConfig:
    """Return how a bucket's server is spoken to. Deadlines are `ObjectStore`'s own."""
    return {
        "allow_http": allow_http,
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(hours=1),
        "user_agent": "verbatim",
    }


class ObjectStore(Store):
    """A store in a bucket."""

    leaves_the_node = True

    def __init__(self, bucket: Bucket, client: S3Store | GCSStore | AzureStore) -> None:
        """Begin without touching the network.

        Args:
            bucket: where, as people write it.
            client: how; its prefix is the bucket's.
        """
        self._bucket = bucket
        self._client = client

    def address(self, key: str) -> str:
        """Return `s3://bucket/prefix/key`."""
        return f"{self._bucket}/{key}" if key else str(self._bucket)

    async def put(self, key: str, content: bytes) -> None:
        """Make `content` the whole of `key`, in one request."""
        async with self._asking("put", _seconds_for(len(content))):
            await obstore.put_async(self._client, key, content, use_multipart=False)

    async def get(self, key: str) -> bytes | None:
        """Return the content of `key`, or `None` where there is none."""
        async with self._asking("get") as deadline:
            try:
                result = await obstore.get_async(self._client, key)
                deadline.reschedule(asyncio.get_running_loop().time() + _seconds_for(result.meta["size"]))
                return bytes(await result.bytes_async())
            except FileNotFoundError as error:
                if is_no_such_key(error):
                    return None
                raise

    async def objects(self, prefix: str = "") -> Sequence[StoredObject]:
        """Return everything under `prefix`, in the order of names; each page has a deadline of its own."""
        found: list[StoredObject] = []
        pages = obstore.list(self._client, prefix or None, chunk_size=PAGE).__aiter__()
        while True:
            async with self._asking("list"):
                try:
                    page = await anext(pages)
                except StopAsyncIteration:
                    return sorted(found, key=lambda each: each.key)
            found += [StoredObject(each["path"], each["size"], each["last_modified"]) for each in page]

    async def directories(self, under: str = "") -> Sequence[str]:
        """Return what leads on from `under`, by name."""
        async with self._asking("list", DIRECTORIES_DEADLINE_S):
            found = await obstore.list_with_delimiter_async(self._client, under or None)
        return sorted(each.rpartition("/")[2] for each in found["common_prefixes"])

    async def delete(self, key: str) -> None:
        """Remove `key`; it may be gone already."""
        async with self._asking("delete"):
            try:
                await obstore.delete_async(self._client, key)
            except FileNotFoundError as error:
                if not is_no_such_key(error):
                    raise

    async def tidy(self, prefix: str) -> None:
        """Do nothing: a put that dies leaves nothing in a bucket."""

    async def keeps_versions(self) -> bool | None:
        """Put a small object, and return whether the store gave it a version of its own.

        Google gives one to every object, whether it keeps old ones or not.
        """
        if self._bucket.scheme == "gs":
            return None
        key = probe_key()
        async with self._asking("put"):
            put = await obstore.put_async(self._client, key, key.encode(), use_multipart=False)
        await self.delete(key)
        return put["version"] not in (None, "null")  # what S3 calls the only version there is

    async def probe(self) -> None:
        """Put, get, list and delete a small object, and say everything that the credentials may not.

        Raises:
            StorageUnwritable: with what failed and the remedy.
        """
        try:
            async with asyncio.timeout(PROBE_DEADLINE_S):
                await self._probe()
        except TimeoutError:
            raise no_answer(self._bucket, "put", PROBE_DEADLINE_S) from None

    async def _probe(self) -> None:
        key, lacking, listed = probe_key(), list[str](), list[str]()
        content, found = key.encode(), None
        with _noting(lacking, "put"):
            await self.put(key, content)
        try:
            with _noting(lacking, "list"):
                listed = list(await self.list(PROBES))
            # S3 does not tell those who may not list whether a key is missing or must not be read.
            if lacking != ["put", "list"]:
                with _noting(lacking, "get"):
                    found = await self.get(key)
        finally:
            with _noting(lacking, "delete"):
                await self.delete(key)
        if lacking:
            raise missing(self._bucket, lacking)
        if found != content or key not in listed:
            raise StorageUnwritable(
                f"{self._bucket} does not give back what was put: point storage.url at a store that shows at once "
                "what it took, without a cache in between"
            )

    @asynccontextmanager
    async def _asking(self, verb: str, seconds: float | None = None) -> AsyncIterator[asyncio.Timeout]:
        seconds = DEADLINE_S if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                yield deadline
        except TimeoutError:
            raise no_answer(self._bucket, verb, seconds) from None
        except (BaseError, OSError, ValueError) as error:
            raise trouble(self._bucket, verb, error) from None


def _seconds_for(size: int) -> float:
    """Return how long an operation may take that moves `size` bytes."""
    return DEADLINE_S + size / SLOWEST_BYTES_PER_S


@contextmanager
def _noting(lacking: list[str], verb: str) -> Iterator[None]:
    """Add `verb` to what is lacking instead of raising, where it is a right that is missing."""
    try:
        yield
    except RightMissing:
        lacking.append(verb)
