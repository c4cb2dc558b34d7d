"""Which livekit-server is used, and how the build of one shows that it lives."""

from pathlib import Path

import pytest

from bootstrap import livekit_server
from bootstrap.errors import SetupError

OLD, WANTED, NEWER = Path("/old"), Path("/wanted"), Path("/newer")
VERSIONS = {OLD: (1, 9, 12), WANTED: (1, 13, 5), NEWER: (1, 14, 0)}


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("livekit-server version 1.13.5\n", (1, 13, 5)),
        ("livekit-server version v1.14.0-rc1\n", (1, 14, 0)),
        ("command not found", None),
        ("", None),
    ],
)
def test_the_version_is_read_from_what_the_program_prints(output: str, version: tuple[int, ...] | None) -> None:
    assert livekit_server.version_in(output) == version


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([WANTED], WANTED),
        ([NEWER, WANTED], NEWER),
        ([OLD, WANTED], WANTED),
        ([OLD], None),
        ([Path("/broken"), WANTED], WANTED),
        ([], None),
    ],
)
def test_the_first_server_that_is_new_enough_is_used(candidates: list[Path], chosen: Path | None) -> None:
    assert livekit_server.first_usable(candidates, VERSIONS.get) == chosen


def test_versions_are_compared_as_numbers() -> None:
    assert livekit_server.first_usable([OLD], lambda _: (1, 9, 100)) is None
    assert livekit_server.first_usable([OLD], lambda _: (1, 13, 10)) == OLD


def test_the_build_counts_what_it_fetches_and_then_what_it_compiles() -> None:
    detail = livekit_server.BuildDetail()
    assert detail("go: downloading github.com/pion/webrtc/v4 v4.2.17\n") == "1 modules fetched"
    assert detail("internal/goarch\n") == f"1 of about {livekit_server.PACKAGES} packages  internal/goarch"


def test_too_little_room_is_said_before_the_build_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 400_000_000}))
    with pytest.raises(SetupError, match=r"needs \d+ MB of room for a while, and .* has 400 MB; make room"):
        livekit_server.prepare(tmp_path)
