"""Where transcripts and journals are kept."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from config.sections.base import Section
from config.storage_url import Bucket, bucket_of, directory_of, storage_url
from config.values import HttpUrl, LocalPath, described

Region = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), described("a region's name, such as eu-central-1")]


class StorageSettings(Section):
    """Where transcripts and journals are kept."""

    url: Annotated[
        str,
        AfterValidator(storage_url),
        described("an address that begins with file://, s3://, gs:// or az://"),
    ] = "file://./transcripts"
    """Where finished transcripts are stored: `file:///absolute/directory`, `file://./directory` from the
    working directory, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`. Buckets are opened
    with the variables of their own makers (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,
    GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, …), or as the
    platform knows its workload."""

    endpoint: HttpUrl | None = None
    """Address of a bucket's server that is not its maker's own, such as MinIO: `https://minio.example.org:9000`.
    For S3, AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL are read too."""

    region: Region | None = None
    """Region of an S3 bucket; AWS_REGION and AWS_DEFAULT_REGION are read too, and else it is us-east-1."""

    allow_http: bool = False
    """Whether a bucket's server may be spoken to without TLS, so that everyone on the way can read along. On
    this machine itself it always may."""

    journal_dir: LocalPath = Path("journals")
    """Directory of the journals of running calls, and of finished ones until they are stored. It must be on a
    disk that survives a restart, and local: network file systems do not keep the promises that a journal needs."""

    append_deadline_ms: Annotated[int, Field(ge=10, le=60_000)] = 1000
    """Milliseconds that a word may take to reach the disk before the call goes on without waiting for it, and
    the transcript says so."""

    spool_max_mb: Annotated[int, Field(ge=1, le=1_048_576)] = 1000
    """Megabytes of journals from which on no calls are taken, until the store has taken some; an hour of talk is
    about 2 MB. Nothing is ever thrown away: running calls go on, also beyond. A warning comes at four fifths."""

    sweep_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60
    """Seconds between two looks at the journals, and where `url` is a bucket at what other nodes left there: what a
    call left whose process died, whose store was away or whose node is lost, is stored. Whether journals can still
    be written is tried too; no calls are taken while they cannot."""

    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Days after its end for which a transcript is kept; a worker removes what is older, about once an hour,
    with everything that is stored of it. 0: for ever. Calls that run, and parts that are not finished, stay."""

    @property
    def directory(self) -> Path | None:
        """The local directory that `url` names, or `None` where it names a bucket."""
        return directory_of(self.url)

    @property
    def bucket(self) -> Bucket | None:
        """The bucket that `url` names, or `None` where it names a directory."""
        return bucket_of(self.url)

    def located(self, directory: Path) -> "StorageSettings":
        """Return the same settings with absolute paths.

        Args:
            directory: What relative paths start from, itself absolute.
        """
        own = self.directory
        return self.model_copy(
            update={
                "url": self.url if own is None else (directory / own).resolve().as_uri(),
                "journal_dir": (directory / self.journal_dir).resolve(),
            }
        )
