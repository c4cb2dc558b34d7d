"""The mirror of this machine's distribution is found in either form of apt's sources."""

from pathlib import Path

import pytest

from tests.parts import apt

ONE_LINE = """\
# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://tools.example/apt tools-bookworm main
deb http://security.example/debian bookworm-security main
deb http://mirror.example/debian bookworm main contrib
"""
DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://security.example/debian
Suites: bookworm-security
Components: main
"""


@pytest.mark.parametrize("text", [ONE_LINE, DEB822])
def test_the_mirror_of_the_suite_itself_is_taken(text: str) -> None:
    assert apt.mirror_in(text, "bookworm") == "http://mirror.example/debian"
    assert apt.mirror_in(text, "trixie") is None


def test_a_machine_without_apt_has_no_mirror(tmp_path: Path) -> None:
    os_release = tmp_path / "os-release"
    os_release.write_text("ID=arch\n")
    assert apt.distribution_of(os_release, tmp_path) is None
    os_release.write_text('VERSION_CODENAME="bookworm"\n')
    assert apt.distribution_of(os_release, tmp_path) is None
