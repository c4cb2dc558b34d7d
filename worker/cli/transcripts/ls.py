"""`verbatim transcripts ls`: what there is."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.options import AsJson, ConfigFile, Profile, Set
from worker.cli.transcripts.choosing import Day, Room, Since, Until

if TYPE_CHECKING:
    from worker.cli.transcripts.archive import Archive
    from worker.storage.sessions.session import Session

Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most.", show_default=True)]

WIDE = 100
"""Columns from which there is room for why a session ended."""

STYLES = {
    "complete": "green",
    "partial": "yellow",
    "unfinished": "yellow",
    "running": "cyan",
    "open": "cyan",
    "damaged": "red",
}
"""How each state looks on a screen with colours."""


def command(
    room: Room = None,
    day: Day = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    json_: AsJson = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """List sessions, newest first: those that are stored, those under way, and journals that are still on this node."""
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.choosing import span_of
    from worker.cli.transcripts.screen import note, print_json, waiting

    span = span_of(day, since, until)

    async def listed(archive: "Archive") -> "tuple[list[Session], str]":
        found: list[Session] = []
        with waiting("Reading transcripts"):
            async for session in archive.catalogue.newest(room=room, span=span):
                found.append(session)
                if len(found) > limit:
                    break
        return found, archive.place

    sessions, place = with_archive(listed, config, profile, set_)
    if json_:
        print_json([_data(session) for session in sessions[:limit]])
    elif not sessions:
        narrowed = any(each is not None for each in (room, day, since, until))
        note(f"There is no {'such transcript' if narrowed else 'transcript yet'}, {place}.")
    else:
        _print(sessions[:limit])
        for session in sessions[:limit]:
            if session.trouble:
                note(f"{session.transcript_id}: {session.trouble}")
    if len(sessions) > limit:
        note(f"These are the newest {limit}: --limit shows more, --day, --since and --until others.")


def _print(sessions: "list[Session]") -> None:
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    from worker.cli.transcripts.screen import clock, console, minute, one_line, print_table

    screen = console()
    columns = ["started, UTC", "room", "transcript", "length", "turns", "state", "ended"]
    rows = [
        [
            minute(session.started_at),
            one_line(session.room),
            one_line(session.transcript_id),
            clock(session.duration_ms),
            "?" if session.turns is None else str(session.turns),
            state_of(session),
            one_line(session.reason),
        ]
        for session in sessions
    ]
    if screen.width < WIDE:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    # A name that is too long loses its end; an id, which people copy, never does.
    others = sum(max(map(cell_len, column)) + 2 for column in zip(columns, *rows, strict=True) if column[0] != "room")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in ("length", "turns") else "left", no_wrap=True)
    for row in rows:
        room = Text(row[1])
        room.truncate(max(8, screen.width - others), overflow="ellipsis")
        state = Text(row[5], style=STYLES.get(row[5], ""))
        table.add_row(row[0], room, *row[2:5], state, *row[6:])
    print_table(table)


def state_of(session: "Session") -> str:
    """Return in one word how far the session has come, and once it is final, whether everything is there."""
    from worker.storage.sessions.session import State

    if session.state is State.FINAL:
        return "complete" if session.complete else "partial"
    return str(session.state.value)


def _data(session: "Session") -> dict[str, Any]:
    return {
        "transcript_id": session.transcript_id,
        "room": session.room,
        "room_sid": session.room_sid,
        "agent": session.agent,
        "started_at": session.started_at or None,
        "duration_ms": session.duration_ms,
        "turns": session.turns,
        "state": session.state.value,
        "complete": session.complete,
        "reason": session.reason,
        "key": session.prefix if session.stored else None,
        "journals": [str(path) for path in session.journals],
        "trouble": session.trouble or None,
    }
