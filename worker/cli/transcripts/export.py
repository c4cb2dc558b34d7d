"""`verbatim transcripts export`: whole sessions as files of one's own."""

import asyncio
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import ConfigFile, Profile, Set, parse_day
from worker.cli.transcripts.show import Format, content
from worker.errors import Failed, Misused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.cli.transcripts.archive import Archive
    from worker.storage.catalogue import Session

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Sessions, as for show.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Directory to write into; made where it is missing.")]
Room = Annotated[str | None, typer.Option("--room", help="All sessions in rooms of this name.")]
Day = Annotated[
    date | None,
    typer.Option("--day", parser=parse_day, metavar="YYYY-MM-DD", help="All rooms made on this day (UTC)."),
]
All = Annotated[bool, typer.Option("--all", help="Every session there is.")]
Formats = Annotated[
    list[Format] | None, typer.Option("--format", help="Only the transcript, in this format. Repeatable.")
]
Zip = Annotated[bool, typer.Option("--zip", help="One archive a session.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that have another content.")]


def command(
    to: To,
    ids: Ids = None,
    room: Room = None,
    day: Day = None,
    all_: All = False,
    formats: Formats = None,
    zip_: Zip = False,
    force: Force = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Copy sessions into a directory: every stored file, or only the transcripts in the formats asked for."""
    if sum([bool(ids), room is not None or day is not None, all_]) != 1:
        raise Misused("Say what to export: sessions by their IDs, or --room or --day or both, or --all.")
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.screen import note, one_line, with_progress
    from worker.storage.errors import StorageError

    async def exported(archive: "Archive") -> tuple[int, list[str]]:
        chosen = await _chosen(archive, ids or [], room, day)
        wanted = [each.value for each in formats or ()]
        troubles = []
        for session in with_progress(chosen, "Exporting"):
            try:
                await _export(archive, session, to, wanted, zip_=zip_, force=force)
            except StorageError as error:  # one that cannot be had stops no other
                troubles.append(str(error))
            except OSError as error:
                raise Failed(f"{to} cannot be written ({error.strerror}); choose another directory.") from None
        return len(chosen) - len(troubles), troubles

    count, troubles = with_archive(exported, config, profile, set_)
    if count:
        note(f"{count} {'session is' if count == 1 else 'sessions are'} in {one_line(str(to))}.")
    else:
        note("Nothing was exported." if troubles else "There is no such transcript: nothing was exported.")
    if troubles:
        raise Failed(*troubles)


async def _chosen(archive: "Archive", ids: list[str], room: str | None, day: date | None) -> "Sequence[Session]":
    from worker.cli.transcripts.choosing import choose

    if not ids:
        return await archive.catalogue.sessions(room=room, day=day)
    sessions = await archive.catalogue.sessions()
    return list(dict.fromkeys(choose(sessions, each)[0] for each in ids))


async def _export(
    archive: "Archive", session: "Session", to: Path, formats: list[str], *, zip_: bool, force: bool
) -> None:
    from worker.storage.exporting import export, zipped
    from worker.storage.names import encode

    files = await _files(archive, session, formats)
    name = encode(session.transcript_id)
    if zip_:
        files = {f"{name}.zip": await asyncio.to_thread(zipped, {f"{name}/{each}": files[each] for each in files})}
    else:
        files = {f"{encode(session.room)}/{name}/{each}": files[each] for each in files}
    await asyncio.to_thread(export, files, to, replace=force)


async def _files(archive: "Archive", session: "Session", formats: list[str]) -> dict[str, bytes]:
    """Return a session's files by name: all that are stored, or its transcript in these formats."""
    if session.stored and not formats:
        keys = await archive.store.list(session.prefix)
        stored = {key.removeprefix(f"{session.prefix}/"): await archive.store.get(key) for key in keys}
        return {name: each for name, each in stored.items() if each is not None}
    wanted = formats or archive.settings.transcript.formats
    return {f"transcript.{each}": (await content(archive, session, each)).encode() for each in wanted}
