"""`verbatim transcripts verify`: is it still what was stored?"""

import asyncio
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import AsJson, ConfigFile, Profile, Set
from worker.cli.transcripts.choosing import Day, Room, Since, Until, span_of
from worker.errors import EXIT_FAILED, Failed, Misused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from worker.cli.transcripts.archive import Archive
    from worker.storage.sessions.session import Session
    from worker.storage.stores.places import Span
    from worker.transcript.checking import Finding

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID | PATH",
        help="Sessions, or paths (with a slash) of copies: a session's directory, or a .jsonl file.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every session there is.")]

AT_ONCE = 8
"""Sessions that are read and checked at a time: each may have hundreds of segments."""


def command(
    names: Names = None,
    room: Room = None,
    day: Day = None,
    since: Since = None,
    until: Until = None,
    all_: All = False,
    json_: AsJson = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Check each file against the manifest, each journal line against its chain, and the transcript against both."""
    narrowed = any(each is not None for each in (room, day, since, until))
    if bool(names) + all_ + narrowed != 1:
        raise Misused("Name what is to be verified, or write --room, --day, --since or --until, or --all.")
    span = span_of(day, since, until)
    paths = [Path(name) for name in names or () if _is_path(name)]
    for path in paths:
        if path.is_file() and path.suffix != ".jsonl":
            raise Failed(f"{path} is not a journal: name a .jsonl file, or the directory of a session.")
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.screen import note, print_json

    async def verified(archive: "Archive") -> "dict[str, Sequence[Finding]]":
        sessions = [each for each in names if not _is_path(each)] if names else None
        found = dict(await _of_sessions(archive, sessions, room, span))
        for path in paths:
            found |= await _at(path)
        return found

    found = with_archive(verified, config, profile, set_)
    if json_:
        print_json(
            [
                {"session": name, "ok": not _wrong(findings), "findings": [_data(finding) for finding in findings]}
                for name, findings in found.items()
            ]
        )
    else:
        for name, findings in found.items():
            _print(name, findings)
        if not found:
            note("There is no such transcript." if narrowed else "There is no transcript yet.")
    if any(map(_wrong, found.values())):
        raise typer.Exit(EXIT_FAILED)


async def _of_sessions(
    archive: "Archive", names: list[str] | None, room: str | None, span: "Span"
) -> "Mapping[str, Sequence[Finding]]":
    from worker.cli.transcripts.screen import with_progress
    from worker.storage.concurrency import in_stream
    from worker.storage.sessions.verification import verify_session

    async def verified(session: "Session") -> "tuple[str, Sequence[Finding]]":
        return session.transcript_id, await verify_session(archive.store, session)

    chosen = archive.catalogue.newest(room=room, span=span) if names is None else _named(archive, names, span)
    # Of a session that was copied within the store, both are told under its name.
    found: dict[str, list[Finding]] = defaultdict(list)
    async for name, findings in with_progress(in_stream(verified, chosen, AT_ONCE), "Verifying"):
        found[name] += findings
    return found


async def _named(archive: "Archive", names: list[str], span: "Span") -> "AsyncIterator[Session]":
    found: set[str] = set()
    for name in names:
        session = await _session(archive, name, span)
        if session.prefix not in found or not session.prefix:
            found.add(session.prefix)
            yield session


async def _session(archive: "Archive", name: str, span: "Span") -> "Session":
    from worker.storage.errors import TranscriptUnknown
    from worker.storage.sessions.finding import find

    try:
        return (await find(archive.catalogue, name, span))[0]
    except TranscriptUnknown as error:
        there: bool = await asyncio.to_thread(os.path.lexists, name)
        if name and there:
            raise TranscriptUnknown(f"{error}; for the path of that name write ./{name}") from None
        raise


async def _at(path: Path) -> "Mapping[str, Sequence[Finding]]":
    from worker.storage.sessions.verification import verify_path

    try:
        found = await verify_path(path)
    except OSError as error:
        raise Failed(f"{path} cannot be read ({error.strerror}).") from None
    if not found:
        raise Failed(f"There is neither a manifest.json nor a journal (.jsonl) at {path}; check the path.")
    return found


def _is_path(name: str) -> bool:
    """Return whether a person means a place on this machine: transcript ids and room sids hold no slash."""
    return "/" in name or name in (".", "..") or name.endswith(".jsonl")


def _wrong(findings: "Sequence[Finding]") -> bool:
    return any(finding.wrong for finding in findings)


def _print(name: str, findings: "Sequence[Finding]") -> None:
    from rich.text import Text

    from worker.cli.transcripts.screen import console, one_line

    verdict, style = ("WRONG", "bold red") if _wrong(findings) else ("ok", "green")
    said = "; ".join(one_line(str(finding)) for finding in findings)
    rest = f"  {one_line(name)}{f': {said}' if said else ''}"
    console().print(Text.assemble((f"{verdict:<5}", style), rest), soft_wrap=True)


def _data(finding: "Finding") -> dict[str, object]:
    return {"file": finding.file, "line": finding.line, "reason": finding.reason, "wrong": finding.wrong}
