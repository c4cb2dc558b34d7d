"""Whether journals can be kept is found out before a call, and nothing is changed by asking."""

from pathlib import Path

import pytest

from tests.storage.disks import LateDisk, full
from worker.storage.errors import StorageUnwritable
from worker.storage.journal import probe
from worker.storage.journal.probe import probe_journal_directory


async def test_a_directory_that_was_there_stays_as_it_was(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    await probe_journal_directory(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert tmp_path.stat().st_mode & 0o777 == 0o750


async def test_a_directory_that_was_not_there_is_not_left_behind(tmp_path: Path) -> None:
    await probe_journal_directory(tmp_path / "journals")
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_refuses_is_named_with_the_remedy_and_nothing_is_left(tmp_path: Path) -> None:
    disk = full()
    disk.failing = True
    with pytest.raises(StorageUnwritable) as raised:
        await probe_journal_directory(tmp_path, disk)
    assert str(raised.value) == (
        f"{tmp_path} cannot hold journals (No space left on device): "
        "give storage.journal_dir a directory that this user may write"
    )
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "DEADLINE_S", 0.05)
    disk = LateDisk()
    with pytest.raises(StorageUnwritable, match=r"cannot hold journals \(no answer in 0 s\)"):
        await probe_journal_directory(tmp_path, disk)
    disk.gate.set()
