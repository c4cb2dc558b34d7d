"""The page that says what is promised names, for each promise, a test that exists."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/explanation/what-is-never-lost.md"

NAMED = re.findall(r"\[([^\]]+)\]\(\.\./\.\./(tests/[\w/]+\.py)\)", PAGE.read_text())


def test_the_page_names_tests() -> None:
    assert len(NAMED) >= 12


@pytest.mark.parametrize(("sentence", "file"), NAMED)
def test_a_promise_has_the_test_that_it_names(sentence: str, file: str) -> None:
    tests = (PAGE.parents[2] / file).read_text()
    assert f"def test_{sentence.replace(' ', '_')}(" in tests
