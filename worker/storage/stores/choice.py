"""The store that the settings name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from config.proxies import is_loopback
from config.sections.storage import StorageSettings
from config.storage_url import Bucket, usual_endpoint
from worker.storage.errors import StorageRefused, StorageUnsupported
from worker.storage.stores.answers import KEYS
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.objects import RETRIES, ObjectStore, client_options
from worker.storage.stores.store import Store

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, S3Config


def open_store(settings: StorageSettings) -> Store:
    """Return the store that the settings name. Touches neither disk nor network yet.

    Credentials are obstore's business: it takes them from the environment or from the platform, renews them, and
    nothing of ours sees them.

    Raises:
        StorageUnsupported: the address is of no kind that is known, or not absolute.
        StorageRefused: what is in the environment makes no client.
    """
    if settings.bucket is None:
        return DirectoryStore(_root(settings))
    bucket = settings.bucket
    endpoint = settings.endpoint or usual_endpoint(bucket.scheme, os.environ)
    allow_http = settings.allow_http or is_loopback(urlsplit(endpoint or "").hostname or "")
    try:
        client = _client(bucket, endpoint, settings.region, client_options(allow_http=allow_http))
    except (BaseError, OSError, ValueError):  # its text may quote what is in the environment
        raise StorageRefused(
            f"{bucket} cannot be opened with the credentials in the environment: give the worker {KEYS[bucket.scheme]}"
        ) from None
    return ObjectStore(bucket, client)


def _root(settings: StorageSettings) -> Path:
    root = settings.directory
    if root is None or not root.is_absolute():
        raise StorageUnsupported("storage.url names no absolute directory and no bucket: write file:///srv/transcripts")
    return root


def _client(
    bucket: Bucket, endpoint: str | None, region: str | None, options: ClientConfig
) -> S3Store | GCSStore | AzureStore:
    prefix = bucket.prefix or None
    match bucket.scheme:
        case "s3":
            # One request a key: not every server that is compatible with S3 deletes many at once.
            s3: S3Config = {"disable_bulk_delete": True}
            if region is not None:
                s3["region"] = region
            if endpoint is not None:
                s3["aws_endpoint_url_s3"] = endpoint  # goes before whatever the environment names
            return S3Store(bucket.name, prefix=prefix, config=s3, client_options=options, retry_config=RETRIES)
        case "gs":
            gs: GCSConfig = {} if endpoint is None else {"base_url": endpoint}
            return GCSStore(bucket.name, prefix=prefix, config=gs, client_options=options, retry_config=RETRIES)
        case _:
            az: AzureConfig = {} if endpoint is None else {"endpoint": endpoint}
            return AzureStore(bucket.name, prefix=prefix, config=az, client_options=options, retry_config=RETRIES)
