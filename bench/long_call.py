"""The journal of a long call, as a lively conversation of that length leaves it. The same every time."""

from datetime import UTC, datetime, timedelta

from worker.transcript.events import (
    AgentHeard,
    AgentSaid,
    AgentSentence,
    Event,
    PartEnded,
    ParticipantJoined,
    PartStarted,
    TurnLatency,
    UsageReported,
    UserEarly,
    UserFinal,
    UserInterim,
    UserTurn,
    Word,
)
from worker.transcript.line import encode, link

BEGAN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
QUESTION = "and could you tell me once more what it was that I have to write into the third field of the form please"
ANSWER = (
    "Of course, in the third field goes the number that you find at the top of your last letter.",
    "It begins with two letters, and then there are eight digits.",
    "Leave the blanks out.",
)
ROUND_MS = 15_000
"""One question of 8 s, one answer of 6 s, and a breath."""


def long_call(minutes: int = 180, room_sid: str = "RM_long") -> bytes:
    """Return the journal of one part that lasted so long, with words, interims and what was heard on the way."""
    events: list[tuple[int, Event]] = [
        (
            0,
            PartStarted(
                room="support",
                room_sid=room_sid,
                room_created_at="2026-11-21T09:59:00Z",
                job="AJ_long",
                agent="verbatim",
                agent_identity="agent-verbatim-1",
            ),
        ),
        (20, ParticipantJoined(identity="caller", name="Alice")),
    ]
    for order in range(minutes * 60_000 // ROUND_MS):
        events += _round(order, order * ROUND_MS + 500)
    events.append((minutes * 60_000, PartEnded(reason="caller_left")))
    return _journal(events)


def _round(order: int, start_ms: int) -> list[tuple[int, Event]]:
    spoken = QUESTION.split()
    words = tuple(
        Word(word, start_ms + place * 350, start_ms + place * 350 + 290, 0.95) for place, word in enumerate(spoken)
    )
    end_ms = start_ms + len(words) * 350
    speech = f"speech_{order}"
    turn = {"participant": "caller", "stream": "S1", "turn_order": order}
    found: list[tuple[int, Event]] = []
    for count in range(3, len(words), 3):
        text = " ".join(spoken[:count])
        found.append((words[count].start_ms or 0, UserInterim(text=text, words=words[:count], **turn)))  # type: ignore[arg-type]
    found += [
        (end_ms + 100, UserEarly(text=QUESTION, words=words, **turn)),  # type: ignore[arg-type]
        (end_ms + 300, UserFinal(text=QUESTION, words=words, confidence=0.95, language="en", **turn)),  # type: ignore[arg-type]
        (end_ms + 310, UserFinal(text=f"{QUESTION.capitalize()}?", words=words, formatted=True, **turn)),  # type: ignore[arg-type]
        (end_ms + 320, UserTurn(participant="caller", text=f"{QUESTION.capitalize()}?")),
    ]
    whole = " ".join(ANSWER)
    began = end_ms + 600
    found += [(began - 100 + 20 * place, AgentSentence(text=text, speech=speech)) for place, text in enumerate(ANSWER)]
    found += [
        (began + 500 * step, AgentHeard(text=whole[: len(whole) * step // 11], speech=speech)) for step in range(1, 11)
    ]
    found += [
        (began + 5500, AgentSaid(text=whole, speech=speech, started_ms=began, ended_ms=began + 5400)),
        (began + 5510, TurnLatency(speech=speech, answer_ms=640 + order % 100, stages={"llm": 300, "tts": 150})),
        (began + 5520, UsageReported(service="llm", model="m", amounts={"input_tokens": 900 * order})),
    ]
    return found


def _journal(events: list[tuple[int, Event]]) -> bytes:
    lines: list[bytes] = []
    for seq, (ms, event) in enumerate(events):
        at = (BEGAN + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append(encode(seq, at, ms, event, link(lines[-1]) if lines else ""))
    return b"".join(lines)
