"""`verbatim transcripts show`: one transcript, as people or programs read it."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import ConfigFile, Profile, Set
from worker.cli.transcripts.choosing import Day

if TYPE_CHECKING:
    from worker.cli.transcripts.archive import Archive
    from worker.storage.sessions.session import Session


class Format(Enum):
    """The forms of a transcript."""

    TXT = "txt"
    MD = "md"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


Id = Annotated[
    str, typer.Argument(metavar="ID", help="Transcript id or its beginning, room sid, or room name (its newest).")
]
AsFormat = Annotated[Format, typer.Option("--format", help="How it is written.")]


def command(
    id_: Id,
    format_: AsFormat = Format.TXT,
    day: Day = None,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Print a transcript; one that is still running, or not stored yet, is told from its journal or its segments."""
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.choosing import span_of
    from worker.cli.transcripts.screen import note, print_text, waiting

    async def shown(archive: "Archive") -> tuple[str, list[str]]:
        from worker.storage.sessions.finding import find

        with waiting("Looking for it"):
            session, remark = await find(archive.catalogue, id_, span_of(day, None, None))
        return await content(archive, session, format_.value), [remark, _state(session), session.trouble]

    text, remarks = with_archive(shown, config, profile, set_)
    for remark in remarks:
        if remark:
            note(remark)
    print_text(text)


async def content(archive: "Archive", session: "Session", format_: str) -> str:
    """Return a session in a format, as stored, or made from what is there.

    Raises:
        StorageError: it cannot be read.
    """
    from worker.storage.sessions.session import State

    if not session.journals and session.stored and session.state is not State.OPEN:
        stored = await archive.store.get(f"{session.prefix}/transcript.{format_}")
        if stored is not None:
            return stored.decode(errors="replace")
    return archive.formats([format_])[format_](await archive.catalogue.transcript(session))


def _state(session: "Session") -> str:
    from worker.storage.sessions.session import State

    match session.state:
        case State.RUNNING:
            return f"{session.transcript_id} is still running: this is what was said so far"
        case State.OPEN:
            return (
                f"{session.transcript_id} is under way on another node ({session.reason}): "
                "this is what was said until a few seconds ago"
            )
        case State.UNFINISHED if session.stored:
            return f"{session.transcript_id} has a journal on this node still: verbatim transcripts recover says why"
        case State.UNFINISHED:
            return f"{session.transcript_id} is not stored yet: verbatim transcripts recover does that"
        case _:
            return ""
