"""`verbatim transcripts verify`: is it still what was stored?"""

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import AsJson, ConfigFile, Profile, Set
from worker.errors import EXIT_FAILED, Failed, Misused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worker.cli.transcripts.archive import Archive
    from worker.storage.catalogue import Session
    from worker.transcript.checking import Finding

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID | PATH",
        help="Sessions, or paths (with a slash) of copies: a session's directory, or a .jsonl file.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every session there is.")]


def command(
    names: Names = None,
    all_: All = False,
    json_: AsJson = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Check each file against the manifest, each journal line against its chain, and the transcript against both."""
    if bool(names) == all_:
        raise Misused("Name what is to be verified, or write --all.")
    paths = [Path(name) for name in names or () if _is_path(name)]
    for path in paths:
        if path.is_file() and path.suffix != ".jsonl":
            raise Failed(f"{path} is not a journal: name a .jsonl file, or the directory of a session.")
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.screen import note, print_json

    async def verified(archive: "Archive") -> "dict[str, Sequence[Finding]]":
        found = dict(
            await _of_sessions(archive, None if all_ else [each for each in names or () if not _is_path(each)])
        )
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
            note("There is no transcript yet.")
    if any(map(_wrong, found.values())):
        raise typer.Exit(EXIT_FAILED)


async def _of_sessions(archive: "Archive", names: list[str] | None) -> "Mapping[str, Sequence[Finding]]":
    from worker.cli.transcripts.screen import with_progress
    from worker.storage.verification import verify_session

    if names == []:
        return {}
    sessions = await archive.catalogue.sessions()
    chosen = sessions if names is None else dict.fromkeys(_session(sessions, name) for name in names)
    # Of a session that was copied within the store, both are told under its name.
    found: dict[str, list[Finding]] = defaultdict(list)
    for session in with_progress(list(chosen), "Verifying"):
        found[session.transcript_id] += await verify_session(archive.store, session)
    return found


def _session(sessions: "Sequence[Session]", name: str) -> "Session":
    from worker.cli.transcripts.choosing import choose
    from worker.storage.errors import TranscriptUnknown

    try:
        return choose(sessions, name)[0]
    except TranscriptUnknown as error:
        if name and os.path.lexists(name):
            raise TranscriptUnknown(f"{error}; for the path of that name write ./{name}") from None
        raise


async def _at(path: Path) -> "Mapping[str, Sequence[Finding]]":
    from worker.storage.verification import verify_path

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
