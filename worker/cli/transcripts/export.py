"""`verbatim transcripts export`: whole sessions as files of one's own."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import ConfigFile, Profile, Set
from worker.cli.transcripts.choosing import Day, Room, Since, Until, span_of
from worker.cli.transcripts.show import Format, content
from worker.errors import Failed, Misused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from worker.cli.transcripts.archive import Archive
    from worker.storage.sessions.session import Session

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Sessions, as for show.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Directory to write into; made where it is missing.")]
All = Annotated[bool, typer.Option("--all", help="Every session there is.")]
Formats = Annotated[
    list[Format] | None, typer.Option("--format", help="Only the transcript, in this format. Repeatable.")
]
Zip = Annotated[bool, typer.Option("--zip", help="One archive a session.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that have another content.")]

AT_ONCE = 4
"""Sessions that are read and written at a time; each is in memory as a whole."""


def command(
    to: To,
    ids: Ids = None,
    room: Room = None,
    day: Day = None,
    since: Since = None,
    until: Until = None,
    all_: All = False,
    formats: Formats = None,
    zip_: Zip = False,
    force: Force = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Copy sessions into a directory: every stored file, or only the transcripts in the formats asked for."""
    narrowed = any(each is not None for each in (room, day, since, until))
    if bool(ids) + narrowed + all_ != 1:
        raise Misused("Say what to export: sessions by their IDs, or --room, --day, --since or --until, or --all.")
    span = span_of(day, since, until)
    wanted = [each.value for each in formats or ()]
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.screen import note, one_line, with_progress
    from worker.storage.concurrency import in_stream
    from worker.storage.errors import StorageError
    from worker.storage.sessions.exporting import held

    async def exported(archive: "Archive") -> tuple[int, list[str], list[str]]:
        async def one(session: "Session") -> tuple[str, str]:
            try:
                await _export(archive, session, to, wanted, zip_=zip_, force=force)
                return _unfinished(session), ""
            except StorageError as error:  # one that cannot be had stops no other
                return "", str(error)

        count, remarks, troubles = 0, list[str](), list[str]()
        chosen = _named(archive, ids) if ids else archive.catalogue.newest(room=room, span=span)
        try:
            first = await anext(chosen, None)
            if first is None:
                return 0, [], []
            with held(to):
                async for remark, trouble in with_progress(in_stream(one, _with(first, chosen), AT_ONCE), "Exporting"):
                    count += not trouble
                    remarks += [remark] if remark else []
                    troubles += [trouble] if trouble else []
        except OSError as error:
            raise Failed(f"{to} cannot be written ({error.strerror}); choose another directory.") from None
        return count, remarks, troubles

    count, remarks, troubles = with_archive(exported, config, profile, set_)
    for remark in remarks:
        note(remark)
    if count:
        note(f"{count} {'session is' if count == 1 else 'sessions are'} in {one_line(str(to))}.")
    else:
        note("Nothing was exported." if troubles else "There is no such transcript: nothing was exported.")
    if troubles:
        raise Failed(*troubles)


async def _named(archive: "Archive", ids: list[str]) -> "AsyncIterator[Session]":
    from worker.storage.sessions.finding import find

    found: list[Session] = []
    for each in ids:
        session, _ = await find(archive.catalogue, each)
        if session not in found:
            found.append(session)
    for session in found:  # none is exported where one is not known
        yield session


async def _with(first: "Session", rest: "AsyncIterator[Session]") -> "AsyncIterator[Session]":
    yield first
    async for each in rest:
        yield each


def _unfinished(session: "Session") -> str:
    """Return what is not in the files, as a sentence."""
    from worker.storage.sessions.session import State

    match session.state:
        case State.RUNNING | State.OPEN:
            return f"{session.transcript_id} is still under way: what was said so far is exported"
        case State.UNFINISHED:
            where = ", ".join(str(path) for path in session.journals)
            return f"{session.transcript_id} is not stored, or not all of it: its journal is still here ({where})"
        case _:
            return ""


async def _export(
    archive: "Archive", session: "Session", to: Path, formats: list[str], *, zip_: bool, force: bool
) -> None:
    from worker.storage.names import encode
    from worker.storage.sessions.exporting import export, zipped

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
        from worker.storage.storing.segments import got

        stored = await got(archive.store, await archive.store.list(session.prefix))
        return {key.removeprefix(f"{session.prefix}/"): each for key, each in stored.items()}
    wanted = formats or archive.settings.transcript.formats
    return {f"transcript.{each}": (await content(archive, session, each)).encode() for each in wanted}
