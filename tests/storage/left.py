"""Journals that dead jobs left, as files."""

from collections.abc import Sequence
from pathlib import Path

from tests.transcript.journals import BEGAN, lines, started
from worker.transcript.events import Event, PartEnded, UserFinal

PREFIX = "2026/11/21/support"


def call(number: int = 1, session: str = "RM_1", ends: bool = True, words: str = "") -> list[bytes]:
    """The lines of a part in which one sentence was said."""
    events: list[tuple[int, Event]] = [
        (0, started(number, f"AJ_{number}", room_sid=session)),
        (500, UserFinal(participant="caller", text=words or f"words {number}", stream=f"S{number}", turn_order=0)),
        (900, PartEnded(reason="caller_left")),
    ]
    return lines(*events[: 3 if ends else 2], began=BEGAN.replace(second=number))


def left(journals: Path, data: bytes | Sequence[bytes], session: str = "RM_1", name: str = "AJ_1") -> Path:
    """Write `data` as a file of that session's journals and return its path."""
    path = journals / f"{session}-verbatim" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else b"".join(data))
    return path


def everything_in(directory: Path) -> dict[str, bytes]:
    """Content of every file under `directory`."""
    return {str(each.relative_to(directory)): each.read_bytes() for each in directory.rglob("*") if each.is_file()}
