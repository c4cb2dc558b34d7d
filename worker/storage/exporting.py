"""Stored sessions as files of one's own: copies that nobody's work is lost under."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.errors import ExportRefused

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive, the earliest that the format has: the same content is the same bytes."""


def export(files: Mapping[str, bytes], directory: Path, *, replace: bool, disk: Disk | None = None) -> int:
    """Write `files`, by their path below `directory`, and return how many were not there as they are. Blocks.

    Args:
        files: content by relative path, `support/RM_1-verbatim/transcript.txt`.
        directory: made where it is missing.
        replace: whether another content of the same name may go.
        disk: the file system, when not the machine's own.

    Raises:
        ExportRefused: a file of that name has another content; nothing was written.
        OSError: the directory cannot be written.
    """
    disk = disk or Disk()
    new = {path: content for name, content in files.items() if _content(path := directory / name) != content}
    if taken := [path for path in new if path.exists() and not replace]:
        raise ExportRefused(
            f"{taken[0]} is there with another content: nothing of it was exported, --force replaces it"
        )
    for path, content in new.items():
        disk.put(path, content)
    return len(new)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of `files`; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
