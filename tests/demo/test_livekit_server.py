"""Finding the LiveKit server's program."""

from pathlib import Path

import pytest
import yaml

from worker.demo import livekit_server
from worker.errors import Failed


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("livekit-server version 1.13.5\n", (1, 13, 5)),
        ("version 2.0", (2, 0)),
        ("no number here", ()),
        ("", ()),
    ],
)
def test_the_version_is_the_first_dotted_number(printed: str, version: tuple[int, ...]) -> None:
    assert livekit_server.parse_version(printed) == version


def _program(directory: Path, version: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "livekit-server"
    program.write_text(f"#!/bin/sh\necho livekit-server version {version}\n")
    program.chmod(0o755)
    return program


def test_a_new_enough_program_on_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _program(tmp_path / "bin", "1.14.0")
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    assert livekit_server.find_livekit_server() == program


def test_a_program_that_is_too_old_is_passed_over_for_the_built_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, built = _program(tmp_path / "bin", "1.13.4"), _program(tmp_path / "tools", "1.13.5")
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    monkeypatch.setattr(livekit_server, "TOOLS", built.parent)

    assert livekit_server.find_livekit_server() == built


def test_without_a_program_the_sentence_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(livekit_server, "TOOLS", tmp_path)

    with pytest.raises(Failed, match=r"livekit-server 1\.13\.5 or newer was not found; .*make demo"):
        livekit_server.find_livekit_server()


def test_the_server_listens_on_this_machine_only() -> None:
    settings = yaml.safe_load(livekit_server.configuration(1, 0, 2, "key", "secret"))

    assert settings["bind_addresses"] == ["127.0.0.1"]
    assert settings["rtc"]["node_ip"] == "127.0.0.1"
    assert settings["keys"] == {"key": "secret"}
