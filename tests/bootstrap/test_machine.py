"""A machine that will not do gets one sentence, even from a Python that cannot read the rest of the project."""

import ast
from pathlib import Path

import pytest

from bootstrap import machine

GOOD = machine.Machine(
    version=(3, 12), executable="/usr/bin/python3", system="linux", processor="x86_64",
    is_64_bit=True, is_musl=False, has_venv=True,
)  # fmt: skip


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
@pytest.mark.parametrize(
    ("system", "processor"), [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64")]
)
def test_a_supported_machine_is_not_refused(version: tuple[int, int], system: str, processor: str) -> None:
    assert machine.refusal_of(GOOD._replace(version=version, system=system, processor=processor)) == ""


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 15)])
def test_a_python_that_is_too_old_or_too_new_is_named_with_its_version(version: tuple[int, int]) -> None:
    sentence = machine.refusal_of(GOOD._replace(version=version))
    assert sentence == (
        f"Verbatim needs Python 3.11 to 3.14, and /usr/bin/python3 is {version[0]}.{version[1]}; "
        "install one of them and name it, for example `make PYTHON=python3.12 test`."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"system": "win32"}, "inside WSL 2"),
        ({"system": "freebsd14"}, "not on freebsd14"),
        ({"processor": "riscv64"}, "riscv64"),
        ({"is_64_bit": False}, "32 bits"),
        ({"is_musl": True}, "glibc"),
        ({"has_venv": False}, "python3-venv"),
    ],
)
def test_every_other_refusal_is_one_sentence_with_its_reason(change: dict[str, object], words: str) -> None:
    sentence = machine.refusal_of(GOOD._replace(**change))  # type: ignore[arg-type]
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_this_machine_is_supported() -> None:
    assert machine.refusal_of(machine.this_machine()) == ""


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py", "machine.py"])
def test_what_runs_before_the_check_is_readable_for_python_3_6(name: str) -> None:
    source = (Path(machine.__file__).parent / name).read_text()
    ast.parse(source, feature_version=(3, 6))
    # A new kind of annotation is no syntax error, but fails when the function is defined.
    assert " | " not in source
