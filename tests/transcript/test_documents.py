"""The published description of what is stored is the program's own, and leaves nothing out."""

from pathlib import Path

from worker.transcript import documents
from worker.transcript.documents import page

PUBLISHED = Path(__file__).parents[2] / "docs/reference/compatibility.md"
RENEW = "python -m worker.transcript.documents > docs/reference/compatibility.md"


def test_the_published_page_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == page(), RENEW


def test_every_field_says_what_it_means() -> None:
    assert [line for line in page().splitlines() if line.startswith("| `") and line.endswith("|  |")] == []


def test_the_fixtures_that_the_page_names_are_there() -> None:
    assert "tests/transcript/versions/" in documents.INTRODUCTION
    assert (Path(__file__).parent / "versions").is_dir()
