"""Everything that can fail has a sentence, and the page for operators tells the same."""

import re
from pathlib import Path

import pytest

from worker.speech.assemblyai import decisions
from worker.speech.catalogue import CATALOGUE, FAULTS, PROVIDERS, SOURCES, error_raised, fault, page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m worker.speech.catalogue`"


def test_every_code_is_there_once() -> None:
    assert len(CATALOGUE) == len(FAULTS)


@pytest.mark.parametrize("each", FAULTS, ids=lambda each: each.code)
def test_each_fault_is_a_sentence_with_a_remedy(each: object) -> None:
    found = CATALOGUE[getattr(each, "code")]  # noqa: B009 - pytest gives it as an object
    assert found.provider in PROVIDERS
    assert found.provider in SOURCES
    for text in (found.sentence, found.remedy, found.heard):
        assert re.fullmatch(r"[A-Z][^{}\n]*\.", text)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", found.label)


@pytest.mark.parametrize(
    ("code", "fatal", "in_sentence"),
    [
        ("assemblyai.http_418", True, "HTTP 418"),
        ("assemblyai.http_499", False, "HTTP 499"),
        ("assemblyai.http_520", False, "HTTP 520"),
        ("assemblyai.close_4444", False, "code 4444"),
        ("llm.http_418", False, "HTTP 418"),
        ("tts.http_599", False, "HTTP 599"),
        ("tts.close_4444", False, "The voice closed the connection with code 4444"),
        ("tts.KeyError", False, "not known"),
        ("nobody.knows", False, "not known"),
    ],
)
def test_a_code_that_is_not_listed_has_a_sentence_too(code: str, fatal: bool, in_sentence: str) -> None:
    found = fault(code)
    assert (found.code, found.fatal) == (code, fatal)
    assert in_sentence in found.sentence


@pytest.mark.parametrize("code", decisions.CODES)
def test_the_recogniser_s_decisions_are_all_listed(code: str) -> None:
    assert code in CATALOGUE


@pytest.mark.parametrize(("status", "action"), decisions.STATUSES.items())
def test_a_status_ends_the_call_where_the_recogniser_gives_up(status: int, action: decisions.Action) -> None:
    assert fault(f"assemblyai.http_{status}").fatal == (action is decisions.Action.GIVE_UP)


@pytest.mark.parametrize(("code", "action"), decisions.CLOSES.items())
def test_a_close_code_ends_the_call_where_the_recogniser_gives_up(code: int, action: decisions.Action) -> None:
    assert fault(decisions.closed(code).code).fatal == (action is decisions.Action.GIVE_UP)


def test_the_journal_s_event_tells_sentence_and_remedy() -> None:
    raised = error_raised("assemblyai.http_401")
    assert (raised.source, raised.code, raised.fatal) == ("stt", "assemblyai.http_401", True)
    assert raised.message == "AssemblyAI refuses the API key. " + CATALOGUE["assemblyai.http_401"].remedy
