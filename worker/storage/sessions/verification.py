"""Whether sessions are what was stored: in the store, in a copied directory, in journals that are still here."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from worker.storage import names
from worker.storage.errors import JournalMissing, JournalUnreadable, StorageError
from worker.storage.journal.journals import look
from worker.storage.sessions.session import Session, State
from worker.storage.stores.directory import TEMPORARY
from worker.storage.stores.store import Store
from worker.storage.storing.leases import open_parts
from worker.storage.storing.segments import got
from worker.transcript.checking import Finding, check
from worker.transcript.integrity import Manifest
from worker.transcript.reading import read_lines


async def verify_session(store: Store, session: Session) -> Sequence[Finding]:
    """Return what is wrong with a session, in the store and in its journals here; nothing if all is well.

    Raises:
        StorageUnwritable: the store cannot be read.
    """
    findings: list[Finding] = []
    if session.stored:
        contents = await got(store, await store.list(session.prefix))
        files = {key.removeprefix(f"{session.prefix}/"): content for key, content in contents.items()}
        findings += await asyncio.to_thread(_check, files, session.open_jobs)
        if findings and (leased := await _leased(store, session)) != session.open_jobs:  # a part has just begun
            findings = await asyncio.to_thread(_check, files, leased)
    in_journals = [finding for journal in session.journals for finding in await _journal(journal)]
    if session.trouble and not in_journals and not (findings and session.state is State.DAMAGED):
        in_journals.append(Finding("journals", session.trouble))
    return findings + in_journals


async def _leased(store: Store, session: Session) -> tuple[str, ...]:
    parts, _ = await open_parts(store, session.prefix.rpartition("/")[2])
    return tuple(part.job for part in parts)


async def verify_path(path: Path) -> Mapping[str, Sequence[Finding]]:
    """Return what is wrong with each copy of a session, and each journal, that is at `path` or under it, by its place.

    Raises:
        JournalUnreadable: it is neither a file nor a directory.
        OSError: it cannot be read.
    """
    if not await asyncio.to_thread(path.is_dir):
        return {str(path): await _file(path)}
    copies = await asyncio.to_thread(lambda: sorted(each.parent for each in path.rglob(names.MANIFEST)))
    if copies:
        return {str(copy): await asyncio.to_thread(_check_copy, copy) for copy in copies}
    journals = await asyncio.to_thread(lambda: sorted({journal for each in path.rglob("*") for journal in _of(each)}))
    return {str(journal): await _journal(journal) for journal in journals}


def _of(file: Path) -> Sequence[Path]:
    found = names.journal_of(file)
    return [found[0]] if found is not None and file.is_file() else []


async def _file(file: Path) -> Sequence[Finding]:
    """Check one file: with the others of its journal, if it is named as one."""
    for journal in _of(file):
        return await _journal(journal)
    if not stat.S_ISREG((await asyncio.to_thread(file.stat)).st_mode):
        raise JournalUnreadable(f"{file} is neither a file nor a directory: check the path")
    reading = read_lines(await asyncio.to_thread(file.read_bytes))
    if reading.stop is None or reading.torn:
        return []
    return [Finding(file.name, reading.stop.reason, reading.stop.line)]


async def _journal(journal: Path) -> Sequence[Finding]:
    try:
        found = await look(journal)
    except JournalMissing:  # finalised this moment
        return []
    except StorageError as error:
        return [Finding(journal.name, str(error))]
    stop = found.lines.reading.stop
    if stop is None or found.lines.reading.torn:
        return []
    return [Finding(found.file_of(stop), stop.reason, stop.line)]


def _check(files: Mapping[str, bytes], open_jobs: Sequence[str] = ()) -> list[Finding]:
    """Check what is stored; of parts that are still open, what is stored already and no manifest names is no trouble.

    Args:
        files: content of the session's files by their relative name.
        open_jobs: encoded jobs of the parts that have a lease.
    """
    if names.MANIFEST not in files:
        return [Finding(names.MANIFEST, "it is missing: this is no stored session, or storing it did not end")]
    try:
        manifest = Manifest.model_validate_json(files[names.MANIFEST])
    except ValidationError:
        return [Finding(names.MANIFEST, "it cannot be read as a manifest")]
    shipping = tuple(f"parts/{job}/" for job in open_jobs)
    return check(
        manifest,
        {
            name: content
            for name, content in files.items()
            if name != names.MANIFEST and (name in manifest.files or not name.startswith(shipping))
        },
    )


def _check_copy(directory: Path) -> list[Finding]:
    return _check(
        {
            path.relative_to(directory).as_posix(): path.read_bytes()
            for path in sorted(directory.rglob("*"))
            if path.is_file() and not TEMPORARY.fullmatch(path.name)
        }
    )
