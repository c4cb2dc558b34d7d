"""Addresses of stores: a local directory, or a bucket and a prefix in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.values import wrong

BUCKETS = {
    "s3": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"),
    "gs": re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"),
    "az": re.compile(r"\$?[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"),
}
"""What buckets and containers may be called, old and compatible ones too (S3, "Bucket naming rules"; Google
Cloud Storage, "Bucket names"; Azure, "Naming containers")."""

PREFIX = re.compile(r"[A-Za-z0-9!_.*'()=@:,+~ -]+(/[A-Za-z0-9!_.*'()=@:,+~ -]+)*")
"""Characters that mean themselves in every store, and in a URL."""

LONGEST_PREFIX = 250
"""Keys may have 1024 bytes in every store, and what a session's own names may take is theirs."""

ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
"""Variables in which each store's own software looks for its server (AWS SDKs, "Service-specific endpoints";
obstore, the stores' configuration)."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in an object store."""

    scheme: str
    """s3, gs or az."""
    name: str
    """The bucket's; Azure calls it container."""
    prefix: str = ""
    """What every key begins with, without a slash at either end."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.name}{'/' if self.prefix else ''}{self.prefix}"


def storage_url(value: str) -> str:
    """Return the address of a store as it is kept.

    Raises:
        PydanticCustomError: it is none.
    """
    scheme = urlsplit(value).scheme
    if scheme == "file":
        return _file_url(value)
    if scheme in BUCKETS:
        return str(_bucket(value))
    raise wrong("must begin with file://, s3://, gs:// or az://, such as file:///var/lib/verbatim/transcripts")


def directory_of(url: str) -> Path | None:
    """Return the directory that a store's address names, if it names one."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    relative = parts.netloc in (".", "..")
    return Path(unquote(parts.netloc + parts.path if relative else parts.path))


def bucket_of(url: str) -> Bucket | None:
    """Return the bucket that a store's address names, if it names one."""
    return _bucket(url) if urlsplit(url).scheme in BUCKETS else None


def usual_endpoint(scheme: str, environ: Mapping[str, str]) -> str | None:
    """Return the server that the variables of a store's own software name, if they name one."""
    return next((environ[name] for name in ENDPOINTS[scheme] if environ.get(name)), None)


def _file_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.netloc not in ("", ".", "..", "localhost"):
        raise wrong("names a host; write file:///directory for an absolute path, file://./directory otherwise")
    if parts.query or parts.fragment or not unquote(value).isprintable():
        raise wrong("must not contain '?', '#' or control characters; write the first two as %3F and %23")
    if not parts.path.strip("/") and parts.netloc in ("", "localhost"):
        raise wrong("names no directory; write file:///var/lib/verbatim/transcripts")
    return value


def _bucket(value: str) -> Bucket:
    # Not urlsplit: it would take what follows '?' or '@' for something else than a name.
    scheme, _, rest = value.partition("://")
    name, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if "@" in name or ":" in name:
        raise wrong("must not contain keys or a server; keys come from the environment, a server from storage.endpoint")
    if not BUCKETS[scheme].fullmatch(name):
        raise wrong(f"names no bucket; write {scheme}://bucket/prefix")
    unusable = not PREFIX.fullmatch(prefix) or len(prefix) > LONGEST_PREFIX or {".", ".."} & set(prefix.split("/"))
    if prefix and unusable:
        raise wrong(
            f"has a prefix that is not at most {LONGEST_PREFIX} plain letters, digits and -_.=, its parts between "
            "single slashes"
        )
    return Bucket(scheme, name, prefix)
