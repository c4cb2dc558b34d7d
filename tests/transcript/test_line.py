"""A line of the journal is what was written, or it is named as what it is."""

import dataclasses
import json
import re
from dataclasses import replace
from hashlib import sha256
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.transcript import line as line_module
from worker.transcript.errors import LineDamaged, LineNewer, LineTorn
from worker.transcript.events import EVENT_OF_KIND, Event, Note, ToolCalled, UserFinal, Word
from worker.transcript.line import LINK_BYTES, VERSION, decode, encode, link

AT = "2026-11-21T10:00:00.000Z"
FINAL = UserFinal(
    participant="caller",
    text="two large pizzas",
    stream="S1",
    turn_order=3,
    words=(Word("two", 100, 220, 0.98), Word("large", 240, 400, 0.91)),
    confidence=0.95,
)
PREVIOUS = "0123456789abcdef"
LINE = encode(7, AT, 1840, FINAL, PREVIOUS)

KINDS_IN_THE_FORMAT = [
    "part.started",
    "call.previous",
    "participant.joined",
    "participant.left",
    "user.interim",
    "user.early",
    "user.final",
    "user.turn",
    "agent.sentence",
    "agent.heard",
    "agent.said",
    "user.revised",
    "agent.changed",
    "agent.state",
    "tool.called",
    "tool.returned",
    "dtmf",
    "note",
    "stt.opened",
    "stt.closed",
    "error",
    "usage",
    "latency",
    "gap",
    "part.ended",
]

any_text = st.text(alphabet=st.characters(), max_size=40)
"""Lone surrogates too."""
clean_text = st.text(max_size=40)


def test_the_documented_line_is_the_written_line() -> None:
    written = encode(0, AT, 7, Note(text="hello"), "").decode().strip()
    assert written in (line_module.__doc__ or "")


def test_every_kind_of_the_format_has_its_event() -> None:
    assert sorted(EVENT_OF_KIND) == sorted(KINDS_IN_THE_FORMAT)


@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.kind)
def test_no_field_of_an_event_is_called_like_one_of_the_line(event: type[Event]) -> None:
    assert not {field.name for field in dataclasses.fields(event)} & {"v", "seq", "at", "ms", "kind", "h"}


def test_the_line_begins_with_the_envelope_and_ends_with_the_link() -> None:
    keys = list(json.loads(LINE))
    assert keys[:5] == ["v", "seq", "at", "ms", "kind"]
    assert keys[-1] == "h"
    assert LINE.count(b"\n") == 1


def test_what_was_written_is_read_back() -> None:
    record = decode(LINE, 7, PREVIOUS)
    assert (record.seq, record.at, record.ms, record.kind) == (7, AT, 1840, "user.final")
    assert record.event == FINAL
    assert record.h == link(LINE)


def events_of(event: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(
        event, **{field.name: st.from_type(_hint(event, field.name)) for field in dataclasses.fields(event)}
    )


def _hint(event: type[Event], name: str) -> Any:
    return get_type_hints(event)[name]


st.register_type_strategy(str, clean_text)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.kind)
@given(data=st.data())
def test_every_event_survives_whatever_it_holds(event: type[Event], data: st.DataObject) -> None:
    written = data.draw(events_of(event))
    assert decode(encode(0, AT, 0, written, ""), 0, "").event == written


@given(any_text, st.integers(0, 10**18 - 1), st.integers(0, 10**18 - 1))
def test_every_text_survives_but_for_lone_surrogates(text: str, seq: int, ms: int) -> None:
    record = decode(encode(seq, AT, ms, Note(text=text), PREVIOUS), seq, PREVIOUS)
    assert isinstance(record.event, Note)
    assert record.event.text == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_a_number_that_json_lacks_is_left_out() -> None:
    event = replace(FINAL, confidence=float("nan"))
    assert decode(encode(0, AT, 0, event, ""), 0, "").event == replace(FINAL, confidence=None)


def test_what_is_no_text_becomes_text_instead_of_failing() -> None:
    event = ToolCalled(call="c", name="book", arguments={"when": 7})  # type: ignore[arg-type]
    record = decode(encode(0, AT, 0, event, ""), 0, "")
    assert (record.kind, record.event) == ("tool.called", None)


@pytest.mark.parametrize("length", range(len(LINE)))
def test_every_cut_is_torn(length: int) -> None:
    with pytest.raises(LineTorn, match=f"^{length} bytes and no line feed$"):
        decode(LINE[:length], 7, PREVIOUS)


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_noticed_and_nothing_is_quoted(bit: int) -> None:
    for position in range(len(LINE)):
        flipped = bytes([LINE[position] ^ 1 << bit])
        with pytest.raises((LineDamaged, LineTorn)) as raised:
            decode(LINE[:position] + flipped + LINE[position + 1 :], 7, PREVIOUS)
        assert "pizza" not in str(raised.value)


def test_a_line_after_another_one_than_it_was_written_after_is_damaged() -> None:
    with pytest.raises(LineDamaged, match=r"^chain link is [0-9a-f]{16}, not [0-9a-f]{16} as stored$"):
        decode(LINE, 7, "f" * 16)


def test_a_line_of_another_number_is_damaged() -> None:
    with pytest.raises(LineDamaged, match=r"^seq is 7, not 8$"):
        decode(LINE, 8, PREVIOUS)


def with_link(covered: bytes, previous: str = "") -> bytes:
    h = sha256(previous.encode() + covered).hexdigest()[:16]
    return covered + b',"h":"%s"}\n' % h.encode()


def test_a_newer_version_is_named_and_not_read() -> None:
    covered = re.sub(rb'"v":1', b'"v":2', encode(0, AT, 0, Note(text="x"), ""))[:-LINK_BYTES]
    with pytest.raises(LineNewer, match=rf"^format version is 2, this program reads up to {VERSION}$"):
        decode(with_link(covered), 0, "")


@pytest.mark.parametrize("version", [b"2", b"10", b"9" * 18])
def test_a_version_of_many_digits_is_newer_too(version: bytes) -> None:
    covered = encode(0, AT, 0, Note(text="x"), "")[:-LINK_BYTES].replace(b'"v":1', b'"v":' + version)
    with pytest.raises(LineNewer):
        decode(with_link(covered), 0, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":' + b"9" * 19),
        (b'"v":1', b'"v":1.5'),
        (b'"seq":0', b'"seq":0e0'),
        (b'"ms":0', b'"ms":null'),
        (b'"kind":"note"', b'"kind":7'),
        (b'"text":"x"', b'"text":"x'),
        (b'"text":"x"', b'"text":"\\ud800"'),
        (b'"kind":"note","text":"x"', b'"kind":"mood"}{"text":"x"'),
    ],
)
def test_a_right_link_over_what_no_writer_writes_is_damaged(old: bytes, new: bytes) -> None:
    covered = encode(0, AT, 0, Note(text="x"), "")[:-LINK_BYTES].replace(old, new)
    with pytest.raises(LineDamaged):
        decode(with_link(covered), 0, "")


def test_unknown_fields_are_passed_over() -> None:
    covered = encode(0, AT, 0, Note(text="x"), "")[:-LINK_BYTES] + b',"mood":"fine"'
    assert decode(with_link(covered), 0, "").event == Note(text="x")


def test_an_unknown_kind_keeps_its_place_in_the_chain() -> None:
    covered = encode(0, AT, 0, Note(text="x"), "")[:-LINK_BYTES].replace(b'"note"', b'"mood"')
    record = decode(with_link(covered), 0, "")
    assert (record.kind, record.event) == ("mood", None)


@pytest.mark.parametrize("covered", [b"", b"[1", b'{"v":1', b'{"v":1,"seq":0,"at":5,"ms":0,"kind":"note"', b"\xff"])
def test_a_right_link_over_something_else_is_damaged(covered: bytes) -> None:
    with pytest.raises(LineDamaged):
        decode(with_link(covered), 0, "")


@pytest.mark.parametrize(
    "at",
    ["", "yesterday", "2026-11-21", "2026-11-21T10:00:00.000", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00.000+23:00"],
)
def test_a_line_whose_time_is_none_is_damaged(at: str) -> None:
    with pytest.raises(LineDamaged, match="at is not a time in UTC"):
        decode(encode(7, at, 1840, FINAL, PREVIOUS), 7, PREVIOUS)
