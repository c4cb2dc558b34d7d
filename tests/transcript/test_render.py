"""A transcript reads as its golden files, and nothing in a name or a text breaks out of its line.

`UPDATE_GOLDEN=1 pytest tests/transcript/test_render.py` writes the golden files anew.
"""

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcript.journals import lines, part, started, told
from worker.transcript.events import (
    AgentHeard,
    AgentSaid,
    AgentSentence,
    Dtmf,
    ErrorRaised,
    Event,
    Gap,
    Note,
    PartEnded,
    ParticipantJoined,
    ParticipantLeft,
    SttClosed,
    SttOpened,
    ToolCalled,
    ToolReturned,
    TurnLatency,
    UsageReported,
    UserFinal,
    UserInterim,
    UserTurn,
    Word,
)
from worker.transcript.model import Transcript
from worker.transcript.reading import read_lines
from worker.transcript.render import FORMATS, markdown, text
from worker.transcript.render import json as as_json
from worker.transcript.render.wording import clock
from worker.transcript.replay import replay
from worker.transcript.schema import json_schema

GOLDEN = Path(__file__).parent / "golden"
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


def plain_call() -> Transcript:
    """A short call that ended well."""
    words = (Word("Two", 2100, 2300, 0.99), Word("large", 2340, 2600, 0.97), Word("pizzas.", 2650, 3200, 0.98))
    return told(
        (20, ParticipantJoined(identity="caller-1", name="Alice")),
        (30, SttOpened(stream="S1", session="as-1", participant="caller-1")),
        (400, AgentSentence(text="Hello, what would you like?", speech="s1")),
        (1900, AgentSaid(text="Hello, what would you like?", speech="s1", started_ms=500, ended_ms=1850)),
        (3400, UserFinal(participant="caller-1", text="two large pizzas", stream="S1", turn_order=0)),
        (
            3450,
            UserFinal(
                participant="caller-1",
                text="Two large pizzas.",
                stream="S1",
                turn_order=0,
                words=words,
                language="en",
                formatted=True,
            ),
        ),
        (3460, UserTurn(participant="caller-1", text="Two large pizzas.")),
        (3700, ToolCalled(call="c1", name="order", arguments='{"pizzas": 2}')),
        (3900, ToolReturned(call="c1", output="ok")),
        (4000, AgentSentence(text="Two large pizzas, they will be there at eight.", speech="s2")),
        (
            5200,
            AgentSaid(text="Two large pizzas, they", speech="s2", interrupted=True, started_ms=4100, ended_ms=5150),
        ),
        (5210, TurnLatency(speech="s2", answer_ms=900, stages={"llm": 300, "tts": 150})),
        (6000, UserFinal(participant="caller-1", text="Thanks & bye <3", source="chat")),
        (6100, Dtmf(participant="caller-1", digit="#")),
        (6500, ParticipantLeft(identity="caller-1")),
        (6510, UsageReported(service="llm", model="m-1", amounts={"input_tokens": 120, "output_tokens": 30})),
        (6520, PartEnded(reason="caller_left")),
        (6900, SttClosed(stream="S1", session="as-1", billed_seconds=6.4)),
    )


def broken_call() -> Transcript:
    """Two parts, a crash between them, someone not listened to, right-to-left and Chinese text, emoji."""
    first = part(
        (100, ParticipantJoined(identity="caller-1", name="مريم")),
        (200, ParticipantJoined(identity="guest", transcribed=False)),
        (900, UserFinal(participant="caller-1", text="مرحبا بالعالم", stream="S1", turn_order=0, language="ar")),
        (1000, UserTurn(participant="caller-1", text="")),
        (1200, AgentSentence(text="好的。", speech="s1")),
        (1300, AgentSentence(text="谢谢 🙏", speech="s1")),
        (1900, AgentHeard(text="好的。", speech="s1")),
        (2500, UserInterim(participant="caller-1", text="and then", stream="S1", turn_order=1)),
    )
    second = part(
        (50, ParticipantJoined(identity="caller-1", name="مريم")),
        (400, ErrorRaised(code="stt-refused", message="The recogniser refused the connection.", source="stt")),
        (500, Gap(from_ms=300, to_ms=480, reason="not durable: the disk was too slow")),
        (900, AgentSaid(text="I am back.", started_ms=600, ended_ms=880)),
        (3_605_000, Note(text="an hour later")),
        (3_606_000, PartEnded(reason="room_closed", detail="deleted by the server")),
        number=2,
        after_ms=8000,
    )
    return replay([first, second])


CALLS = {"plain": plain_call, "broken": broken_call}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("format", FORMATS)
def test_a_call_reads_as_its_golden_file(call: str, format: str) -> None:
    golden = GOLDEN / f"{call}.{format}"
    rendered = FORMATS[format](CALLS[call]())
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(rendered, encoding="utf-8")
    assert rendered == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("call", CALLS)
def test_the_json_form_is_read_back_and_keeps_to_its_schema(call: str) -> None:
    transcript = CALLS[call]()
    rendered = as_json.render(transcript)
    assert as_json.read(rendered) == transcript
    jsonschema.validate(json.loads(rendered), json.loads(json_schema()))


def test_the_json_form_has_the_published_fields() -> None:
    content = json.loads(as_json.render(plain_call()))
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
