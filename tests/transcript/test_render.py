"""A transcript reads as its golden files, and nothing in a name or a text breaks out of its line."""

import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcript.calls import CALLS, transcript_of
from tests.transcript.golden_files import GOLDEN, RENEW, files_of, stored
from tests.transcript.journals import lines, started, told
from worker.transcript.events import (
    AgentSaid,
    Event,
    Gap,
    Note,
    PartEnded,
    ParticipantJoined,
    ToolCalled,
    UserFinal,
)
from worker.transcript.model import Transcript
from worker.transcript.reading import read_lines
from worker.transcript.render import FORMATS, markdown, text
from worker.transcript.render import json as as_json
from worker.transcript.render.wording import clock
from worker.transcript.replay import replay
from worker.transcript.schema import json_schema

HOSTILE = (
    "</p><script>alert(1)</script> **bold** [x](javascript:y) `code`\n# Heading\r\n| a | b |\u2028> quote"
    "\u202e_ _\x1b[2J"
)
TOP_LEVEL = [
    *["schema", "transcript_id", "room", "agent", "started_at", "ended", "complete", "parts"],
    *["participants", "turns", "gaps", "errors", "usage", "latency"],
]
TURN = {
    *["index", "role", "participant", "text", "started_ms", "ended_ms", "words", "confidence"],
    *["interrupted", "unplayed_text", "latency"],
}
STEERING_OR_BREAKING = re.compile(r"[\u202a-\u202e\u2066-\u2069\u2028\u2029\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.mark.parametrize("call", CALLS)
def test_a_call_reads_as_its_golden_files(call: str) -> None:
    assert files_of(call) == stored(call), f"{RENEW} writes them anew"


def test_every_call_has_its_golden_files() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_the_json_form_is_read_back_and_keeps_to_its_schema(call: str) -> None:
    transcript = transcript_of(CALLS[call]())
    rendered = as_json.render(transcript)
    assert as_json.read(rendered) == transcript
    assert as_json.render(as_json.read(rendered)) == rendered
    jsonschema.validate(json.loads(rendered), json.loads(json_schema()))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("format", FORMATS)
def test_every_form_is_the_same_from_the_json_form(call: str, format: str) -> None:
    transcript = transcript_of(CALLS[call]())
    assert FORMATS[format](as_json.read(as_json.render(transcript))) == FORMATS[format](transcript)


def test_the_json_form_has_the_published_fields() -> None:
    content = json.loads(as_json.render(transcript_of(CALLS["short-call"]())))
    assert list(content) == TOP_LEVEL
    assert set(content["room"]) == {"name", "sid"}
    assert {"at", "reason"} <= set(content["ended"])
    assert set(content["turns"][0]) >= TURN
    assert set(content["turns"][1]["words"][0]) == {"text", "start_ms", "end_ms", "confidence"}


def hostile_call(hostile: str) -> Transcript:
    start = started(room=hostile, agent=hostile)
    events: list[tuple[int, Event]] = [
        (0, start),
        (1, ParticipantJoined(identity=hostile, name=hostile, transcribed=False)),
        (2, UserFinal(participant=hostile, text=hostile, speaker=hostile)),
        (3, AgentSaid(text=hostile, interrupted=True, unplayed_text=hostile)),
        (4, ToolCalled(call="c", name=hostile, arguments=hostile)),
        (5, Note(text=hostile)),
        (6, Gap(from_ms=0, reason=hostile, participant=hostile)),
        (7, PartEnded(reason="error", detail=hostile)),
    ]
    return replay([read_lines(b"".join(lines(*events)))])


def test_hostile_text_does_not_become_markup() -> None:
    rendered = markdown.render(hostile_call(HOSTILE))
    assert "<" not in rendered
    unescaped = re.sub(r"\\.", "", rendered)
    assert "`" not in unescaped
    assert "[" not in unescaped
    assert rendered.count("\n# ") == 0
    assert [line for line in rendered.splitlines() if line.startswith("|")] == []


@given(hostile=st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\n\r\u2028\u202e`*_[]<>#|\\"))))
def test_no_text_begins_a_line_of_its_own_or_steers_what_follows(hostile: str) -> None:
    transcript = hostile_call(hostile)
    entries = len(transcript.turns) + len(transcript.gaps)
    assert text.render(transcript).count("\n") == 8 + entries
    assert markdown.render(transcript).count("\n") == 8 + 2 * entries
    assert not STEERING_OR_BREAKING.search(text.render(transcript) + markdown.render(transcript))


def test_lines_of_text_stay_lines() -> None:
    rendered = text.render(hostile_call(HOSTILE))
    body = rendered.splitlines()[8:]
    assert all(line.startswith(("[00:00] ", "--- Gap, ")) for line in body)


def test_a_user_who_is_called_like_the_agent_is_told_apart() -> None:
    transcript = told(
        (1, ParticipantJoined(identity="caller-1", name="Verbatim")),
        (2, UserFinal(participant="caller-1", text="I am the agent")),
        (3, PartEnded(reason="caller_left")),
    )
    assert "[00:00] Verbatim (caller-1): I am the agent" in text.render(transcript)


@pytest.mark.parametrize(
    ("ms", "expected"), [(0, "00:00"), (59_999, "00:59"), (60_000, "01:00"), (3_661_000, "1:01:01")]
)
def test_time_is_minutes_and_seconds_and_hours_from_an_hour_on(ms: int, expected: str) -> None:
    assert clock(ms) == expected
