"""A write that was confirmed is whole, private, and survives."""

import stat
from pathlib import Path

import pytest

from tests.storage.disks import RecordingDisk, broken
from worker.storage.disk import Disk


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_put_is_synced_before_its_name_and_its_name_before_the_return(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    disk.put(tmp_path / "file", b"content")
    assert disk.calls == [("write", b"content"), ("sync", b""), ("sync_directory", tmp_path)]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_every_directory_that_was_made_is_synced_into_its_parent(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    disk.put(tmp_path / "a/b/file", b"")
    synced = [path for call, path in disk.calls if call == "sync_directory"]
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a/b"]
    assert (mode(tmp_path / "a"), mode(tmp_path / "a/b"), mode(tmp_path / "a/b/file")) == (0o700, 0o700, 0o600)


def test_a_directory_that_another_made_is_synced_into_its_parent_too(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    (tmp_path / "made a moment ago").mkdir()
    for _ in range(2):
        disk.make_directory(tmp_path / "made a moment ago")
    assert disk.calls == [("sync_directory", tmp_path)]


def test_a_put_that_fails_leaves_the_old_content_and_no_rest(tmp_path: Path) -> None:
    Disk().put(tmp_path / "file", b"old")
    disk = broken()
    disk.failing = True
    with pytest.raises(OSError, match="Input/output error"):
        disk.put(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_an_existing_file_is_not_created_again(tmp_path: Path) -> None:
    Disk().put(tmp_path / "file", b"")
    with pytest.raises(FileExistsError):
        Disk().create(tmp_path / "file")


def test_removing_takes_the_empty_directory_too_and_nothing_else(tmp_path: Path) -> None:
    Disk().put(tmp_path / "a/one", b"")
    Disk().put(tmp_path / "a/two", b"")
    Disk().remove(tmp_path / "a/one")
    assert (tmp_path / "a/two").exists()
    Disk().remove(tmp_path / "a/two")
    Disk().remove(tmp_path / "a/two")
    assert not (tmp_path / "a").exists()
