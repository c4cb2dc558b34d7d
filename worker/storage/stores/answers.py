"""What the answer of a bucket means, as one sentence with the remedy.

obstore says what went wrong in a text alone: the HTTP status, and the body, in which S3, Google and Azure name the
reason in a `Code`. Nothing else of that text is passed on, for servers quote keys and whole requests in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from config.storage_url import Bucket
from worker.storage.errors import StorageRefused, StorageUnavailable, StorageUnwritable

CODE = re.compile(r"<Code>([A-Za-z]{1,64})</Code>")
STATUS = re.compile(r"\bstatus(?: code)?: (\d{3})\b")
REGION = re.compile(r"<Region>([a-z0-9-]{1,40})</Region>")
METADATA_SERVER = re.compile(r"169\.254\.\d+\.\d+|metadata(\.google)?\.internal|login\.microsoftonline\.")
"""Where credentials are asked for that the environment does not hold."""

NO_KEY = frozenset({"NoSuchKey", "BlobNotFound", "NoSuchVersion"})
NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "ContainerBeingDeleted"})
WRONG_KEY = frozenset(
    {
        "AuthenticationFailed", "ExpiredToken", "InvalidAccessKeyId", "InvalidAuthenticationInfo",
        "InvalidClientTokenId", "InvalidSecurity", "InvalidToken", "NoAuthenticationInformation", "NotSignedUp",
        "SignatureDoesNotMatch", "TokenRefreshRequired", "UnrecognizedClientException",
    }
)  # fmt: skip
WRONG_REGION = frozenset(
    {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect"}
)
WRONG_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired", "AccessDeniedTimeSkewed"})
FULL = frozenset({"InsufficientStorage", "QuotaExceeded", "ServiceQuotaExceeded", "StorageFull", "XMinioStorageFull"})
"""Codes: S3, "Error responses"; Google Cloud Storage, "XML API error responses"; Azure, "Blob service error codes"."""

KEYS: Mapping[str, str] = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, where the key has one)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}

RIGHTS: Mapping[str, Mapping[str, str]] = {
    "s3": {
        "put": "s3:PutObject",
        "get": "s3:GetObject",
        "list": "s3:ListBucket",
        "delete": "s3:DeleteObject",
    },
    "gs": {
        "put": "storage.objects.create",
        "get": "storage.objects.get",
        "list": "storage.objects.list",
        "delete": "storage.objects.delete",
    },
    "az": dict.fromkeys(("put", "get", "list", "delete"), "the role Storage Blob Data Contributor"),
}
"""What allows each operation, as the store calls it."""

DONE: Mapping[str, str] = {"put": "written to", "get": "read", "list": "listed", "delete": "deleted from"}


class RightMissing(StorageRefused):
    """The credentials are known, and may not do this."""


def is_no_such_key(error: Exception) -> bool:
    """Return whether an error says that there is nothing under a key, and not that there is no bucket."""
    code = _found(CODE, str(error))
    return isinstance(error, FileNotFoundError) and (not code or code in NO_KEY)


def no_answer(bucket: Bucket, verb: str, seconds: float) -> StorageUnavailable:
    """Return the error for a store that takes longer than `seconds`."""
    return _unavailable(bucket, verb, f"no answer in {seconds:.0f} s", "it is tried again; check that the store runs")


def trouble(bucket: Bucket, verb: str, error: Exception) -> StorageUnwritable:
    """Return what to raise when `verb` (put, get, list or delete) on a bucket ended with an error of obstore."""
    text = str(error)
    head = text.partition("Debug source:")[0]
    code, status = _found(CODE, text), _found(STATUS, text)
    told = code or (f"HTTP status {status}" if status else "")
    credentials = f"give the worker {KEYS[bucket.scheme]}"
    if METADATA_SERVER.search(head) or "MissingAccount" in text:
        return _refused(bucket, verb, "no credentials were found", f"{credentials}, or a role of its platform")
    if "BadScheme" in text:
        return _refused(bucket, verb, "its address begins with http://", "write https://, or set storage.allow_http")
    if "certificate" in text.lower() and not status:
        remedy = "name the authority that signed it in SSL_CERT_FILE"
        return _refused(bucket, verb, "its server's certificate is not trusted", remedy)
    if code in NO_BUCKET:
        remedy = "make it, or correct storage.url, storage.endpoint or storage.region"
        return _refused(bucket, verb, f"there is no such bucket, {code}", remedy)
    if code in WRONG_CLOCK:
        return _refused(bucket, verb, f"this machine's clock is wrong, {code}", "set it by NTP")
    if code in WRONG_REGION or status == "301" or "redirect" in head:
        place = _found(REGION, text)
        remedy = f"set storage.region to {place or 'the one that it is in'}"
        return _refused(bucket, verb, "the bucket is in another region", remedy)
    if code in WRONG_KEY or status == "401":
        remedy = f"{credentials} as the store has them, and check this machine's clock"
        return _refused(bucket, verb, f"its credentials are wrong or expired, {told}", remedy)
    if code in FULL or status == "507":
        return _unavailable(bucket, verb, f"it is full, {told}", "make room; it is tried again")
    if status == "403":
        return missing(bucket, [verb])
    if not status:
        return _unavailable(bucket, verb, _network(text), "it is tried again; check storage.endpoint and the network")
    if status.startswith("5") or status in {"408", "409", "429"}:
        return _unavailable(bucket, verb, f"it answers with {told}", "it is tried again; look at the store")
    return _refused(bucket, verb, f"it answers with {told}", "check storage.url and storage.endpoint")


def missing(bucket: Bucket, verbs: list[str]) -> RightMissing:
    """Return the error for credentials that may not do what `verbs` say."""
    rights = list(dict.fromkeys(RIGHTS[bucket.scheme][verb] for verb in verbs))
    return RightMissing(
        f"{bucket} cannot be {_listed([DONE[verb] for verb in verbs])} (the credentials may not): "
        f"give them {_listed(rights)} there"
    )


def _network(text: str) -> str:
    if "dns error" in text:
        return "its name is not known"
    return "no connection" if "kind: Connect" in text else "the connection broke"


def _refused(bucket: Bucket, verb: str, reason: str, remedy: str) -> StorageRefused:
    return StorageRefused(f"{bucket} cannot be {DONE[verb]} ({reason}): {remedy}")


def _unavailable(bucket: Bucket, verb: str, reason: str, remedy: str) -> StorageUnavailable:
    return StorageUnavailable(f"{bucket} cannot be {DONE[verb]} ({reason}): {remedy}")


def _listed(words: list[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
