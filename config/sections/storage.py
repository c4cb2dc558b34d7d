"""Where transcripts and journals are kept."""

from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field

from config.sections.base import Section
from config.values import LocalPath, described, wrong


def _storage_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "file":
        raise wrong("must begin with file://, such as file:///var/lib/verbatim/transcripts")
    if parts.netloc not in ("", ".", "..", "localhost"):
        raise wrong("names a host; write file:///directory for an absolute path, file://./directory otherwise")
    if parts.query or parts.fragment or not unquote(value).isprintable():
        raise wrong("must not contain '?', '#' or control characters; write the first two as %3F and %23")
    if not parts.path.strip("/") and parts.netloc in ("", "localhost"):
        raise wrong("names no directory; write file:///var/lib/verbatim/transcripts")
    return value


class StorageSettings(Section):
    """Where transcripts and journals are kept."""

    url: Annotated[str, AfterValidator(_storage_url), described("an address that begins with file://")] = (
        "file://./transcripts"
    )
    """Where finished transcripts are stored, `file:///absolute/directory`, or `file://./directory` from the
    working directory."""

    journal_dir: LocalPath = Path("journals")
    """Directory of the journals of running calls. It must be on a disk that survives a restart, and local:
    network file systems do not keep the promises that a journal needs."""

    append_deadline_ms: Annotated[int, Field(ge=10, le=60_000)] = 1000
    """Milliseconds that a word may take to reach the disk before the call goes on without waiting for it, and
    the transcript says so."""

    sweep_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60
    """Seconds between two looks at the journals: what a call left whose process died is stored, and whether
    journals can still be written is tried; no calls are taken while they cannot."""

    @property
    def directory(self) -> Path:
        """The local directory that `url` names."""
        parts = urlsplit(self.url)
        relative = parts.netloc in (".", "..")
        return Path(unquote(parts.netloc + parts.path if relative else parts.path))

    def located(self, directory: Path) -> "StorageSettings":
        """Return the same settings with absolute paths.

        Args:
            directory: What relative paths start from, itself absolute.
        """
        return self.model_copy(
            update={
                "url": (directory / self.directory).resolve().as_uri(),
                "journal_dir": (directory / self.journal_dir).resolve(),
            }
        )
