"""The files at the top of the project agree with one another."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from bootstrap import livekit_server, machine, uv

PROJECT = Path(__file__).parents[2]
MAKEFILE = (PROJECT / "Makefile").read_text()
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
TARGETS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)


def test_make_alone_lists_every_target_with_its_purpose() -> None:
    listed = subprocess.run(["make", "-s"], cwd=PROJECT, capture_output=True, text=True, timeout=30).stdout
    assert re.findall(r"^  make ([a-z-]+) +\S", listed, re.MULTILINE) == TARGETS


@pytest.mark.parametrize(
    "target",
    ["demo", "setup", "test", "test-all", "soak", "kill-matrix", "mutations", "test-live", "image", "clean"],
)
def test_the_targets_that_people_are_told_of_exist(target: str) -> None:
    assert target in TARGETS


def test_the_makefile_uses_nothing_newer_than_make_3_81() -> None:
    assert not re.search(r"^\.ONESHELL|^\.RECIPEPREFIX|^\w+ *!=|\$\(file |::=|\$\(let ", MAKEFILE, re.MULTILINE)


def test_the_versions_of_python_are_the_same_everywhere() -> None:
    oldest, newest = machine.OLDEST, machine.NEWEST
    assert PYPROJECT["project"]["requires-python"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"
    assert f"{oldest} <= sys.version_info[:2] <= {newest}" in MAKEFILE


def test_the_image_is_built_with_the_same_uv_as_the_checkout() -> None:
    assert f"ARG UV_VERSION={uv.VERSION}\n" in DOCKERFILE


def test_the_image_is_built_from_the_lock_file_and_runs_without_privileges() -> None:
    assert DOCKERFILE.count("uv sync --locked") == 2
    assert "\nUSER 10001:10001\n" in DOCKERFILE
    assert DOCKERFILE.rstrip().endswith('CMD ["verbatim", "start"]')


def test_what_the_image_needs_is_sent_to_the_engine_and_nothing_else() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    sources = {source for line in copied for source in line.split()}
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == sources


def test_the_configuration_of_the_server_holds_no_key_and_listens_on_this_machine_alone() -> None:
    configuration = yaml.safe_load((PROJECT / "livekit.yaml").read_text())
    assert "keys" not in configuration
    assert configuration["bind_addresses"] == ["127.0.0.1"]
    assert configuration["rtc"]["node_ip"] == "127.0.0.1"


def test_the_pinned_server_is_the_one_that_the_documents_name() -> None:
    assert livekit_server.text(livekit_server.VERSION) == "1.13.5"


def test_each_family_of_lint_rules_is_explained() -> None:
    text = (PROJECT / "pyproject.toml").read_text()
    selection = text.split("select = [")[1].split("\n]\n")[0]
    unexplained = [line for line in selection.splitlines() if line.strip() and "#" not in line]
    assert unexplained == []


def test_the_checks_before_a_commit_are_those_of_make() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format", "mypy", "import-linter"]
    assert all(hook["language"] == "system" and hook["entry"].startswith(".venv/bin/") for hook in hooks)
