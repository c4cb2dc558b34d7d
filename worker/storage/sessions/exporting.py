"""Stored sessions as files of one's own: copies that nobody's work is lost under."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.errors import ExportRefused
from worker.storage.stores.directory import TEMPORARY

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive, the earliest that the format has: the same content is the same bytes."""

UNFINISHED_ARCHIVE = re.compile(r".+-.+\.zip#[0-9]+")
"""Names that `Disk.put` gives to archives of sessions that are not whole yet."""


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
    _clear({(directory / name).parent for name in files} - {directory}, TEMPORARY)
    new = {path: content for name, content in files.items() if _content(path := directory / name) != content}
    if taken := [path for path in new if path.exists() and not replace]:
        raise ExportRefused(
            f"{taken[0]} is there with another content: nothing of it was exported, --force replaces it"
        )
    for path, content in new.items():
        disk.put(path, content)
    return len(new)


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Be the only one who exports into `directory`, and remove what an export that was killed left there. Blocks.

    Raises:
        ExportRefused: another export is at it.
        OSError: the directory cannot be made or read.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise ExportRefused(f"another export writes into {directory}: wait until it has ended") from None
        _clear([directory], UNFINISHED_ARCHIVE)
        yield
    finally:
        os.close(descriptor)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of `files`; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _clear(directories: Iterable[Path], names: re.Pattern[str]) -> None:
    for directory in directories:
        for path in directory.iterdir() if directory.is_dir() else ():
            if names.fullmatch(path.name):
                path.unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
