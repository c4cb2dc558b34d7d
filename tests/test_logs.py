"""Logs are JSON lines without the words of a call."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from worker.logs import set_up_logging, without_words

QUOTING = "no audio frames were pushed for text: my secret"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    set_up_logging("info", readable=False, stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(text: str) -> None:
    raise RuntimeError(text)


def test_a_line_has_time_level_logger_message_and_the_fields(lines: Lines) -> None:
    logging.getLogger("verbatim.call").info("stored %d turns", 5, extra={"room": "kitchen", "took": 1.5})
    (line,) = lines()
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info", "logger": "verbatim.call", "message": "stored 5 turns", "room": "kitchen", "took": 1.5,
    }  # fmt: skip


def test_a_message_with_line_breaks_stays_one_line(lines: Lines, stream: io.StringIO) -> None:
    logging.getLogger("x").warning("one\ntwo\r\nthree")
    assert stream.getvalue().count("\n") == 1
    assert lines()[0]["message"] == "one\ntwo\r\nthree"


def test_personal_fields_are_removed_and_others_stay(lines: Lines) -> None:
    logging.getLogger("x").warning("skipped", extra={"lk.pii.user_input": "my secret", "lk.agent": "a", "b": 2})
    (line,) = lines()
    assert "my secret" not in json.dumps(line)
    assert (line["lk.agent"], line["b"]) == ("a", 2)


@pytest.mark.parametrize("arguments", [("no audio frames were pushed for text: my secret\nplan",),
                                       ("failed: %s", "no audio frames were pushed for text: my secret")])  # fmt: skip
def test_quotations_are_replaced(lines: Lines, arguments: tuple[str, ...]) -> None:
    logging.getLogger("x").warning(*arguments)
    (line,) = lines()
    assert line["message"].endswith("no audio frames were pushed for text: [not logged]")


def test_quotations_in_an_exception_are_replaced(lines: Lines) -> None:
    try:
        fail(QUOTING)
    except RuntimeError:
        logging.getLogger("x").exception("it failed")
    (line,) = lines()
    assert line["exception"].endswith("RuntimeError: no audio frames were pushed for text: [not logged]")
    assert "my secret" not in json.dumps(line)


def test_a_record_from_a_job_s_process_is_cleaned_too(lines: Lines) -> None:
    record = logging.makeLogRecord(
        {
            "name": "x", "levelno": logging.ERROR, "levelname": "ERROR", "msg": "failed",
            "exc_text": "Traceback\nno audio frames were pushed for text: my secret",
            "lk.pii.chat_context": "my secret",
        }
    )  # fmt: skip
    logging.getLogger("x").handle(record)
    (line,) = lines()
    assert line["exception"].startswith("Traceback")
    assert "my secret" not in json.dumps(line)


def test_a_message_that_cannot_be_formatted_does_not_reach_the_caller(lines: Lines) -> None:
    logging.getLogger("x").warning("%d calls", "many")
    (line,) = lines()
    assert "cannot be formatted" in line["message"]
    assert __file__ in line["message"]


def test_a_value_that_is_no_json_is_written_as_text(lines: Lines) -> None:
    logging.getLogger("x").warning("failed", extra={"error": ValueError("no"), "which": {1}})
    (line,) = lines()
    assert (line["error"], line["which"]) == ("no", "{1}")


def test_a_percent_sign_in_a_finished_message_is_left_alone(lines: Lines) -> None:
    logging.getLogger("x").warning("100%% of %s", "50%")
    assert lines()[0]["message"] == "100% of 50%"


def test_libraries_that_log_requests_are_heard_from_warnings_on(lines: Lines) -> None:
    for name in ("openai", "httpx", "aiohttp.access", "livekit"):
        logging.getLogger(name).info("a body")
        logging.getLogger(name).warning("a problem")
    assert [line["message"] for line in lines()] == ["a problem"] * 4


def test_the_level_is_kept(stream: io.StringIO) -> None:
    set_up_logging("error", readable=False, stream=stream)
    logging.getLogger("x").warning("no")
    logging.getLogger("x").error("yes")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["yes"]


def test_the_readable_form_has_fields_and_exceptions_behind_the_message(stream: io.StringIO) -> None:
    set_up_logging("info", readable=True, stream=stream)
    try:
        fail(QUOTING)
    except RuntimeError:
        logging.getLogger("x").exception("it failed", extra={"room": "kitchen", "lk.pii.text": "my secret"})
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("ERROR   x  it failed  room=kitchen")
    assert rest[0] == "Traceback (most recent call last):"
    assert "my secret" not in stream.getvalue()


def test_text_that_quotes_nothing_is_unchanged() -> None:
    assert without_words("the room was closed") == "the room was closed"


def test_what_a_tool_was_given_stays_out_of_the_framework_s_report_of_its_failure(lines: Lines) -> None:
    try:
        try:
            {}["Ada Lovelace"]
        except KeyError:
            fail("no such customer:\n  Ada Lovelace\nfour two")
    except RuntimeError:
        logging.getLogger("livekit.agents").exception("exception occurred while executing tool")
    (line,) = lines()
    assert "Ada" not in line["exception"].replace('{}["Ada Lovelace"]', "").replace("fail(", "").replace(
        '"no such customer:\\n  Ada Lovelace\\nfour two")', ""
    )
    assert "KeyError\n" in line["exception"]
    assert line["exception"].endswith("RuntimeError")
    assert "test_logs.py" in line["exception"]
