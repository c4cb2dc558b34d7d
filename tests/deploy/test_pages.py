"""What operators read about deployment names files, settings and commands that exist."""

import re
from pathlib import Path

import pytest
import typer

from config.grace import needed
from config.sections.fleet import FleetSettings
from config.settings import KEYS, Settings
from tests.deploy.documents import DEPLOY, PROJECT
from worker.cli import app

PAGES = [
    *sorted((PROJECT / "docs" / "how-to").glob("deploy*.md")),
    *sorted((PROJECT / "docs" / "how-to" / "alerts").glob("*.md")),
    PROJECT / "docs" / "how-to" / "watch-over-workers.md",
    PROJECT / "docs" / "explanation" / "cloud-own-server-both.md",
    PROJECT / "docs" / "reference" / "stopping.md",
]
SECTIONS = "|".join(Settings.model_fields)
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.fixture(params=PAGES, ids=lambda path: str(path.name))
def page(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_every_link_leads_to_a_file(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text()):
        assert (page.parent / link).resolve().is_relative_to(PROJECT)
        assert (page.parent / link).is_file(), link


def test_every_setting_exists(page: Path) -> None:
    named = set(re.findall(rf"`((?:{SECTIONS})\.\w+)[:`]", page.read_text())) - {"livekit.yaml", "livekit.toml"}
    assert named <= set(KEYS)


def test_every_variable_fills_a_setting(page: Path) -> None:
    named = set(re.findall(r"VERBATIM_([A-Z]+__[A-Z_]+)", page.read_text()))
    assert {name.lower().replace("__", ".") for name in named} <= set(KEYS)


def test_every_file_of_deploy_that_is_named_is_there(page: Path) -> None:
    for name in re.findall(r"deploy/([\w./-]+\w)", page.read_text()):
        if not name.startswith("agents"):
            assert (DEPLOY / name).exists(), name


def test_every_command_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|bin/|worker |-- )verbatim ([a-z]+)\b", page.read_text()))
    assert named <= COMMANDS


@pytest.mark.parametrize("path", [*PAGES, PROJECT / "Dockerfile"], ids=lambda path: str(path.name))
def test_what_stopping_takes_is_said_right(path: Path) -> None:
    said = re.findall(r"\b(\d{3})(?= seconds| with the default)|--stop-timeout (\d+)", path.read_text())
    assert {int(number) for pair in said for number in pair if number} <= {needed(FleetSettings())}


def test_what_platforms_start_is_a_command() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.suffix in (".yaml", ".service")]
    started = {
        command for path in files for command in re.findall(r"(?:\[verbatim, |/bin/verbatim )(\w+)\b", path.read_text())
    }
    assert started == {"start", "watch"}
    assert started <= COMMANDS
