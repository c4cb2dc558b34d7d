"""Journals as tests write them: events with their time, in one line each."""

from datetime import UTC, datetime, timedelta

from worker.transcript.events import Event, PartStarted
from worker.transcript.line import encode, link
from worker.transcript.model import Transcript
from worker.transcript.reading import Reading, read_lines
from worker.transcript.replay import replay

BEGAN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def at(ms: int, began: datetime = BEGAN) -> str:
    return (began + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lines(*events: tuple[int, Event], began: datetime = BEGAN) -> list[bytes]:
    written: list[bytes] = []
    previous = ""
    for seq, (ms, event) in enumerate(events):
        written.append(encode(seq, at(ms, began), ms, event, previous))
        previous = link(written[-1])
    return written


def started(part: int = 1, job: str = "AJ_1", **more: object) -> PartStarted:
    fields = {
        "room": "support",
        "room_sid": "RM_1",
        "room_created_at": "2026-11-21T09:59:00Z",
        "agent": "verbatim",
        "agent_identity": f"agent-verbatim-{part}",
    }
    return PartStarted(part=part, job=job, **(fields | more))  # type: ignore[arg-type]


def part(*events: tuple[int, Event], number: int = 1, after_ms: int = 0) -> Reading:
    began = BEGAN + timedelta(milliseconds=after_ms)
    return read_lines(b"".join(lines((0, started(number, f"AJ_{number}")), *events, began=began)))


def told(*events: tuple[int, Event]) -> Transcript:
    """Replay one part that begins with `part.started`."""
    return replay([part(*events)])
