"""Machines that cannot run the worker are told so."""

from pathlib import Path

import pytest

from worker.errors import Failed, Misconfigured
from worker.machine import check_machine, check_temporary_directory


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_linux_and_macos_will_do(version: tuple[int, int], platform: str) -> None:
    check_machine(version, platform)


@pytest.mark.parametrize(
    ("version", "platform", "words"),
    [
        ((3, 12), "win32", "run it in WSL 2"),
        ((3, 12), "freebsd14", "not on freebsd14"),
        ((3, 12), "cygwin", "not on cygwin"),
        ((3, 10), "linux", "needs Python 3.11 to 3.14, this is 3.10"),
        ((2, 7), "linux", "this is 2.7"),
        ((3, 15), "darwin", "this is 3.15"),
        ((4, 0), "linux", "this is 4.0"),
    ],
)
def test_others_are_refused_with_one_sentence(version: tuple[int, int], platform: str, words: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        check_machine(version, platform)
    (sentence,) = caught.value.sentences
    assert words in sentence
    assert caught.value.status == 78


def test_a_temporary_directory_that_can_be_written_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    check_temporary_directory()
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(Failed, match="mount a tmpfs at /tmp, or set TMPDIR"):
        check_temporary_directory()
