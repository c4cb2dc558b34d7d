"""Finding the transcript of the demo's call."""

from pathlib import Path

import pytest

from worker.demo import outcome


@pytest.mark.parametrize("day", ["2026/12/31", "2027/01/01"])
def test_a_transcript_is_found_whatever_its_date(tmp_path: Path, day: str) -> None:
    for room in ("demo-1", "demo-2"):
        directory = tmp_path / day / room / "RM_1-verbatim"
        directory.mkdir(parents=True)
        (directory / "manifest.json").touch()

    assert outcome._finished(tmp_path, "demo-1") == [tmp_path / day / "demo-1" / "RM_1-verbatim"]


def test_a_transcript_without_its_manifest_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "2027/01/01/demo-1/RM_1-verbatim").mkdir(parents=True)

    assert outcome._finished(tmp_path, "demo-1") == []
