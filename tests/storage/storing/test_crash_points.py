"""Wherever finalising stops, the next sweep ends with the same bytes, nothing is lost, and nothing is left over."""

import contextlib
import errno
import os
from pathlib import Path

import pytest

from tests.storage.left import call, everything_in, left
from worker.storage.disk import Disk
from worker.storage.errors import StorageError
from worker.storage.recovery.sweep import State, recover
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise
from worker.transcript.render import FORMATS as ALL

CHANGES = ("mkdir", "create", "write", "sync", "rename", "unlink", "rmdir", "sync_directory")


class StoppingDisk(Disk):
    """Does the first `count` changes and nothing after: the process has died, perhaps in the middle of a write."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count
        self.changes: list[str] = []

    def _may(self, change: str) -> None:
        self.changes.append(change)
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def mkdir(self, path: Path) -> None:
        self._may("mkdir")
        super().mkdir(path)

    def create(self, path: Path) -> int:
        self._may("create")
        return super().create(path)

    def write(self, descriptor: int, data: bytes) -> None:
        try:
            self._may("write")
        except OSError:
            if self.left == -1:
                super().write(descriptor, data[: len(data) // 2])
            raise
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._may("sync")
        super().sync(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        self._may("rename")
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        self._may("unlink")
        super().unlink(path)

    def rmdir(self, path: Path) -> None:
        self._may("rmdir")
        super().rmdir(path)

    def sync_directory(self, path: Path) -> None:
        self._may("sync_directory")
        super().sync_directory(path)


class Node:
    """A node's journals, of a part of three files whose disk failed twice and of one more part, and its store."""

    def __init__(self, directory: Path) -> None:
        self.journals = directory / "journals"
        self.stored = directory / "transcripts"
        first, second = call(1), call(2)
        self.parts = [
            left(self.journals, first[0] + first[1][:25]),
            left(self.journals, second, name="AJ_2"),
        ]
        left(self.journals, first[1] + first[2].replace(b"caller", b"nobody"), name="AJ_1.1")
        left(self.journals, first[2], name="AJ_1.2")

    def store(self, disk: Disk | None = None) -> Store:
        return DirectoryStore(self.stored, disk)

    async def finalise(self, disk: Disk) -> None:
        await finalise(self.parts, self.store(disk), ALL, disk)


@pytest.mark.slow
async def test_a_finaliser_may_die_at_every_point_and_the_next_one_too(tmp_path: Path) -> None:
    whole, counting = Node(tmp_path / "whole"), StoppingDisk(10_000)
    await whole.finalise(counting)
    expected = everything_in(whole.stored)
    assert set(counting.changes) == set(CHANGES)
    points = len(counting.changes)
    for first in range(points):
        second = first * 7 % points
        node, died = Node(tmp_path / f"{first}-{second}"), StoppingDisk(first)
        with contextlib.suppress(StorageError, OSError):
            await node.finalise(died)
        assert died.left < 0
        died = StoppingDisk(second)
        await recover(node.journals, node.store(died), ALL, disk=died)
        outcomes = await recover(node.journals, node.store(), ALL)
        assert {outcome.state for outcome in outcomes} <= {State.FINALISED}, (first, second, outcomes)
        assert everything_in(node.stored) == expected, (first, second)
        # An empty directory is no journal; it goes when it is old.
        assert everything_in(node.journals) == {}, (first, second)
