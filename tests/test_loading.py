"""A class that a setting names is loaded, or refused with one sentence that says what to do."""

from pathlib import Path

import pytest

from worker.errors import Misconfigured
from worker.loading import load_class


class Base: ...


class Derived(Base): ...


HERE = "tests.test_loading"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which a person's own modules lie in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere"])
    return tmp_path


def refused(path: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        load_class("agent.class", path, Base)
    (sentence,) = caught.value.sentences
    assert caught.value.status == 78
    assert sentence.endswith((".", "uv pip install livekit-plugins-no-such", "uv pip install no_such_package"))
    assert sentence.startswith("agent.class ")
    return sentence


def test_the_class_is_returned() -> None:
    assert load_class("agent.class", f"{HERE}:Derived", Base).__name__ == "Derived"
    assert load_class("agent.class", f"{HERE}:Base", Base).__name__ == "Base"


@pytest.mark.usefixtures("directory")
def test_a_module_in_the_working_directory_is_found(directory: Path) -> None:
    (directory / "own_module_of_a_person.py").write_text("class Own(Exception): ...\n")
    assert load_class("agent.class", "own_module_of_a_person:Own", Exception).__name__ == "Own"


@pytest.mark.parametrize("path", ["", ":", "module", "module:", ":Class", "module.Class"])
def test_a_path_of_another_form_is_explained(path: str) -> None:
    assert "write it as package.module:Class" in refused(path)


def test_a_module_that_is_missing_is_named() -> None:
    sentence = refused("no_such_module:Class")
    assert "there is no module no_such_module" in sentence
    assert "check the spelling, or start the command in the directory that holds it" in sentence


def test_a_missing_plugin_of_livekit_comes_with_its_install_command() -> None:
    assert refused("livekit.plugins.no_such:LLM").endswith("install it with: uv pip install livekit-plugins-no-such")


def test_a_package_that_the_module_needs_is_named_with_its_install_command(directory: Path) -> None:
    (directory / "needs_much.py").write_text("import no_such_package\n")
    assert refused("needs_much:Class").endswith(
        "needs no_such_package, which is not installed; install it with: uv pip install no_such_package"
    )


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("broken_syntax", "class (", "SyntaxError"),
        ("broken_value", "raise ValueError('there is no menu')", "ValueError: there is no menu"),
        ("ends_the_process", "raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_a_module_that_cannot_be_imported_is_explained(directory: Path, name: str, source: str, reason: str) -> None:
    (directory / f"{name}.py").write_text(source)
    sentence = refused(f"{name}:Class")
    assert "cannot be imported" in sentence
    assert reason in sentence


def test_a_class_that_is_missing_is_named() -> None:
    assert f"{HERE} has no Nothing" in refused(f"{HERE}:Nothing")


@pytest.mark.parametrize("name", ["refused", "HERE", "Path"])
def test_what_is_no_such_class_is_refused(name: str) -> None:
    assert f"is no subclass of {Base.__module__}.Base" in refused(f"{HERE}:{name}")


def test_a_relative_module_is_refused() -> None:
    assert "cannot be imported" in refused("..worker:Class")
