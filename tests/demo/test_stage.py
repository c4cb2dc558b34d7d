"""The demo's own files: gone after it, unless an error speaks of them."""

import asyncio
from pathlib import Path

import pytest

from worker.demo.stage import log_directory
from worker.errors import Failed


def test_the_directory_is_gone_after_success() -> None:
    with log_directory() as directory:
        (directory / "worker.log").write_text("a line")

    assert not directory.exists()


@pytest.mark.parametrize("error", [asyncio.CancelledError(), Failed("The port is taken.")])
def test_the_directory_is_gone_after_an_end_that_does_not_name_it(error: BaseException) -> None:
    with pytest.raises(type(error)), log_directory() as directory:
        raise error

    assert not directory.exists()


def test_the_directory_is_kept_when_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(Failed), log_directory() as directory:
        raise Failed(f"The worker ended. Its log: {directory / 'worker.log'}")

    assert directory.is_dir()
