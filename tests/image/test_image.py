"""The image that the Dockerfile makes runs as a platform wants it: unprivileged, read-only, without a key in it."""

import json
import re
from pathlib import Path

import pytest

from tests.parts.image import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.needs("linux", "root", "buildah", "debootstrap"),
    pytest.mark.timeout(1200),
]


def test_the_image_says_how_it_is_to_be_run(image: Image) -> None:
    assert image.config["User"] == "10001:10001"
    assert image.config["Cmd"] == ["verbatim", "start"]
    assert image.config["WorkingDir"] == "/app"
    assert image.config["StopSignal"] == "SIGTERM"
    assert set(image.config["Volumes"]) == {"/data/transcripts", "/data/journals"}
    assert set(image.config["ExposedPorts"]) == {"8081/tcp"}


def test_the_command_runs_as_user_10001_on_a_read_only_root(image: Image, tmp_path: Path) -> None:
    done = image.run(["sh", "-c", "id -u; id -g; pwd; touch /app/x || touch $HOME/x || echo read-only"], tmp_path)
    assert done.stdout.split() == ["10001", "10001", "/app", "read-only"], done.stderr
    assert image.run(["verbatim", "--help"], tmp_path).returncode == 0


def test_the_volumes_and_the_temporary_files_are_writable(image: Image, tmp_path: Path) -> None:
    script = "touch /data/transcripts/a /data/journals/b && python -c 'import tempfile; tempfile.TemporaryFile()'"
    done = image.run(["sh", "-c", script], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "transcripts" / "a").is_file()
    assert (tmp_path / "journals" / "b").is_file()


def test_home_lies_in_the_image_and_is_the_user_own(image: Image, tmp_path: Path) -> None:
    done = image.run(["sh", "-c", "echo $HOME; stat -c %u $HOME"], tmp_path)
    assert done.stdout.split() == ["/home/verbatim", "10001"]


def test_the_settings_are_readable_in_the_image(image: Image, tmp_path: Path) -> None:
    done = image.run(["verbatim", "config", "--json"], tmp_path)
    assert done.returncode == 0, done.stderr
    effective = json.loads(done.stdout)["settings"]
    assert effective["storage.url"] == {"value": "file:///data/transcripts", "source": "default"}
    assert effective["storage.journal_dir"] == {"value": "/data/journals", "source": "default"}


def test_the_packages_are_those_of_the_lock_file_without_tools_and_extras(image: Image, tmp_path: Path) -> None:
    listing = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
    installed = image.run(["python", "-c", listing], tmp_path).stdout.lower().split()
    locked = (Path(__file__).parents[2] / "uv.lock").read_text()
    versions = set(re.findall(r'^name = "(.+)"\nversion = "(.+)"$', locked, re.MULTILINE))
    own = {f"{name}=={version}" for name, version in versions}
    assert {each.replace("_", "-").replace(".", "-", 0) for each in installed} - own == set()
    assert not {"pytest", "ruff", "pocketsphinx", "uv"} & {each.split("==")[0] for each in installed}


def test_it_adds_so_little_to_its_base_that_both_are_under_600_megabytes(image: Image) -> None:
    """The base that the Dockerfile names has less than 150; the one of the tests is another."""
    paths = [path for folder in ("app", "home") for path in (image.root / folder).rglob("*")]
    assert sum(path.lstat().st_size for path in paths if path.is_file()) < 450_000_000


def test_no_key_and_no_file_of_the_checkout_beside_the_packages_is_in_the_image(image: Image) -> None:
    assert sorted(path.name for path in (image.root / "app").iterdir()) == [".venv", "journals", "transcripts"]
    secrets = [pair for pair in image.config["Env"] if re.search("KEY|SECRET|TOKEN|PASSWORD", pair)]
    assert secrets == []
