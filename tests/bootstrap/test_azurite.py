"""Azurite is taken where there is Node.js, and a half-made installation never counts as one."""

from pathlib import Path

import pytest

from bootstrap import azurite
from bootstrap.errors import SetupError

INSTALLS = """#!/bin/sh
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/azurite/dist/src/blob"
echo "half of it" > "$2/node_modules/azurite/dist/src/blob/main.js"
"""


def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Puts these programs on PATH, before the shell's own and in place of all others."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name, script in scripts.items():
        (directory / name).write_text(script)
        (directory / name).chmod(0o755)
    for name in ("sh", "mkdir"):
        (directory / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(directory))


def test_without_node_there_is_nothing_to_do_and_nothing_to_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, monkeypatch)
    assert azurite.ready(tmp_path)
    assert azurite.find(tmp_path) is None


def test_with_node_it_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, node="#!/bin/sh\n", npm=INSTALLS)
    assert not azurite.ready(tmp_path)
    azurite.prepare(tmp_path)
    assert azurite.ready(tmp_path)
    script = azurite.find(tmp_path)
    assert script is not None and script.is_file()


def test_an_installation_that_fails_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, node="#!/bin/sh\n", npm=f"{INSTALLS}\necho 'dial tcp: no route'\nexit 1\n")
    with pytest.raises(SetupError, match="the package registry cannot be reached"):
        azurite.prepare(tmp_path)
    assert azurite.find(tmp_path) is None
    assert not azurite.ready(tmp_path)
