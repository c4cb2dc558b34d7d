"""A store in a local directory.

Reading and listing go through obstore. Its local store never syncs, so writing is ours: temporary file, sync,
rename, directory sync.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from worker.storage.disk import Disk
from worker.storage.errors import StorageUnavailable, StorageUnwritable
from worker.storage.stores.store import PROBES, Store, StoredObject, probe_key
from worker.storage.threads import in_own_thread

DEADLINE_S = 30.0
"""How long one operation may take."""

MOST_AT_ONCE = 64
"""How many operations may be under way, or hang in a disk that does not answer."""

TEMPORARY = re.compile(r".+#[0-9]+")
"""Names that `Disk.put` gives to files that are not whole yet."""

Result = TypeVar("Result")


class DirectoryStore(Store):
    """A store in a local directory."""

    leaves_the_node = False

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root
        self._disk = disk or Disk()
        self._objects: LocalStore | None = None
        self._working: set[object] = set()

    def address(self, key: str) -> str:
        """Return the file's path."""
        return str(self._root / key)

    async def put(self, key: str, content: bytes) -> None:
        """Make `content` the whole of `key`; when this returns it survives a loss of power."""
        abandoned = threading.Event()
        putting = self._in_thread(lambda: self._disk.put(self._root / key, content, abandoned.is_set))
        try:
            await self._within_deadline(putting, "written")
        finally:
            abandoned.set()

    async def get(self, key: str) -> bytes | None:
        """Return the content of `key`, or `None` where there is none."""
        return await self._within_deadline(self._get(key), "read")

    async def objects(self, prefix: str = "") -> Sequence[StoredObject]:
        """Return everything under `prefix`, in the order of names."""
        return await self._within_deadline(self._objects_under(prefix), "listed")

    async def directories(self, under: str = "") -> Sequence[str]:
        """Return what leads on from `under`, by name."""
        return await self._within_deadline(self._in_thread(lambda: self._directories(under)), "listed")

    async def delete(self, key: str) -> None:
        """Remove `key`; it may be gone already."""
        await self._within_deadline(self._in_thread(lambda: self._delete(self._root / key)), "deleted from")

    async def tidy(self, prefix: str) -> None:
        """Remove what puts under `prefix` left behind when their process died. Nobody may be putting there."""
        await self._within_deadline(self._in_thread(lambda: self._tidy(self._root / prefix)), "tidied")

    async def probe(self) -> None:
        """Put, get, list and delete a small file."""
        key = probe_key()
        await self.put(key, key.encode())
        try:
            if await self.get(key) != key.encode() or key not in await self.list(PROBES):
                raise StorageUnwritable(f"{self._root} does not give back what was put: check the disk")
        finally:
            await self.delete(key)

    async def _get(self, key: str) -> bytes | None:
        try:
            objects = await self._client()
            result = await obstore.get_async(objects, key)
            return bytes(await result.bytes_async())
        except FileNotFoundError:
            return None

    async def _objects_under(self, prefix: str) -> Sequence[StoredObject]:
        try:
            objects = await self._client()
        except FileNotFoundError:
            return []
        found = await obstore.list(objects, prefix or None).collect_async()
        return sorted(
            (StoredObject(each["path"], each["size"], each["last_modified"]) for each in found),
            key=lambda each: each.key,
        )

    def _delete(self, path: Path) -> None:
        self._disk.remove(path)
        for above in path.parent.parents:  # what is empty now would be listed for ever
            if not above.is_relative_to(self._root) or above == self._root or path.parent.is_dir():
                return
            try:
                self._disk.rmdir(above)
            except OSError:  # not empty, or not ours to remove
                return

    def _directories(self, under: str) -> Sequence[str]:
        try:
            with os.scandir(self._root / under) as entries:
                return sorted(each.name for each in entries if each.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _tidy(self, directory: Path) -> None:
        for path in directory.rglob("*#*"):
            if TEMPORARY.fullmatch(path.name):
                self._disk.remove(path)

    async def _client(self) -> LocalStore:
        """Return the store. Raises FileNotFoundError where nothing was ever put."""
        return self._objects if self._objects is not None else await self._in_thread(self._opened)

    def _opened(self) -> LocalStore:
        """Return the store. Blocks. Raises FileNotFoundError where nothing was ever put."""
        if self._objects is None:
            os.close(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY))  # obstore would not say what is wrong
            self._objects = LocalStore(self._root)
        return self._objects

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a thread of its own: one that hangs keeps neither another task waiting nor a process alive.

        Raises:
            TimeoutError: so many hang already that there is no hope.
        """
        if len(self._working) >= MOST_AT_ONCE:
            raise TimeoutError
        this = object()
        self._working.add(this)

        def worked() -> Result:
            try:
                return work()
            finally:
                self._working.discard(this)

        return await in_own_thread(worked)

    async def _within_deadline(self, work: Awaitable[Result], done: str) -> Result:
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await work
        except TimeoutError:
            raise StorageUnavailable(
                f"{self._root} cannot be {done} (no answer in {DEADLINE_S:.0f} s): "
                "check the disk, or the server that it is mounted from"
            ) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
        except BaseError as error:
            reason = type(error).__name__
        raise StorageUnwritable(
            f"{self._root} cannot be {done} ({reason}): give storage.url a directory that this user may write"
        )
