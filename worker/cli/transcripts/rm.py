"""`verbatim transcripts rm`: sessions go for good."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.options import AsJson, ConfigFile, Profile, Set
from worker.cli.transcripts.choosing import Day, Room, parse_age, span_of, today
from worker.errors import EXIT_FAILED, Failed, Misused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.cli.transcripts.archive import Archive
    from worker.storage.sessions.removal import Removal, Target

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Sessions, as for show.")]
OlderThan = Annotated[
    timedelta | None,
    typer.Option("--older-than", parser=parse_age, metavar="AGE", help="What ended so long ago: 30d, 8w."),
]
All = Annotated[bool, typer.Option("--all", help="Every session there is.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, only tell.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

AT_ONCE = 8
"""Sessions that are removed at a time."""

SHOWN = 20
"""Sessions that are shown before the question."""


def command(
    ids: Ids = None,
    room: Room = None,
    day: Day = None,
    older_than: OlderThan = None,
    all_: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json_: AsJson = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Remove sessions for good: all that is stored of them, and their journals on this node. Running calls stay."""
    narrowed = any(each is not None for each in (room, day, older_than))
    if bool(ids) + narrowed + all_ != 1 or (day is not None and older_than is not None):
        raise Misused("Say what is to go: sessions by their IDs, or --room, --day or --older-than, or --all.")
    from worker.cli.transcripts.archive import with_archive

    async def removed(archive: "Archive") -> "tuple[list[Removal], bool | None]":
        from worker.cli.transcripts.screen import waiting, with_progress
        from worker.storage.concurrency import in_order
        from worker.storage.sessions.removal import remove

        with waiting("Looking for what is to go"):
            targets = await _targets(archive, ids, room, day, older_than)
        if not targets:
            return [], False
        if not (dry_run or yes):
            _ask(targets)

        async def one(target: "Target") -> "Removal":
            return await remove(archive.store, archive.journal_dir, target, dry_run=dry_run)

        doing = "Looking" if dry_run else "Removing"
        removals = [each async for each in with_progress(in_order(one, targets, AT_ONCE), doing, len(targets))]
        return removals, False if dry_run else await archive.store.keeps_versions()

    removals, versions = with_archive(removed, config, profile, set_)
    _tell(removals, versions, dry_run=dry_run, json_=json_)
    if any(each.refused for each in removals):
        raise typer.Exit(EXIT_FAILED)


async def _targets(
    archive: "Archive", ids: list[str] | None, room: str | None, day: Day, older_than: timedelta | None
) -> "Sequence[Target]":
    """Return what is meant, by its keys: nothing is opened that need not be."""
    from worker.storage.sessions.removal import Target
    from worker.storage.sessions.retention import first_kept, outdated

    if older_than is not None:
        before = first_kept(today(), older_than.days)
        return [each async for each in outdated(archive.store, archive.journal_dir, before, room)]
    catalogue = archive.catalogue
    if ids:
        return list(dict.fromkeys([await _one(archive, each) for each in ids]))
    now = await catalogue.now()
    span = span_of(day, None, None)
    keys = [key for each in await catalogue.days(now, span) for key in await catalogue.keys(now, each, room)]
    seen = {key.rpartition("/")[2] for key in keys}
    nowhere = now.nowhere(seen) if room is None and day is None else ()
    return [
        *(Target(_id(key), key, now.journals_of(key)) for key in keys),
        *(Target(each.transcript_id, journals=each.journals) for each in nowhere),
    ]


async def _one(archive: "Archive", name: str) -> "Target":
    from worker.cli.transcripts.screen import one_line
    from worker.storage.sessions.finding import find
    from worker.storage.sessions.removal import Target

    session, remark = await find(archive.catalogue, name)
    if remark:
        raise Failed(
            f"{one_line(name)} is a room in which several sessions were held: name one of them, or write "
            f"--room {one_line(name)} for all."
        )
    now = await archive.catalogue.now()
    journals = now.journals_of(session.prefix) if session.prefix else session.journals
    return Target(session.transcript_id, session.prefix, journals)


def _ask(targets: "Sequence[Target]") -> None:
    """Show what is to go, and go on only after a yes.

    Raises:
        Misused: there is nobody to ask.
        typer.Abort: it was not a yes.
    """
    import sys

    from worker.cli.transcripts.screen import note, one_line

    if not sys.stdin.isatty():
        raise Misused("Nobody can be asked here: write --yes, or --dry-run to see what would go.")
    for target in targets[:SHOWN]:
        note(f"  {one_line(_place(target))}")
    if len(targets) > SHOWN:
        note(f"  and {len(targets) - SHOWN} more")
    typer.confirm(f"Remove {_count(len(targets), 'session')} for good?", abort=True, err=True)


def _tell(removals: "Sequence[Removal]", versions: bool | None, *, dry_run: bool, json_: bool) -> None:
    from worker.cli.transcripts.screen import console, note, one_line, print_json

    gone = [each for each in removals if not each.refused]
    beyond = _beyond_reach(versions) if gone and not dry_run else []
    if json_:
        print_json({"removed": [_data(each, dry_run) for each in removals], "beyond_reach": beyond})
    elif not removals:
        note("There is no such transcript: nothing was removed.")
    else:
        for each in removals if dry_run else ():
            console().print(one_line(_line(each)), soft_wrap=True)
        if gone:
            objects, journals = sum(each.objects for each in gone), sum(len(each.journals) for each in gone)
            what = f"{_count(objects, 'object')}{_with_journals(journals)}"
            done = "would go" if dry_run else "is removed" if len(gone) == 1 else "are removed"
            note(f"{_count(len(gone), 'session')} {done}: {what}.")
    for each in removals if not dry_run else ():
        if each.refused:
            note(each.refused)
    for sentence in beyond if not json_ else ():
        note(sentence)


def _beyond_reach(versions: bool | None) -> list[str]:
    """Return what was not removed, as sentences."""
    sentences = []
    if versions:
        sentences.append(
            "This bucket keeps old versions of what is deleted: let a rule of the bucket expire noncurrent versions."
        )
    elif versions is None:
        sentences.append("Where the bucket has object versioning or soft delete, it keeps what is deleted for a while.")
    return [
        *sentences,
        "Not reached: a journal on a node that is away (it goes when that node is back), backups and replicas of the "
        "store, files that were exported, and what the STT, LLM and TTS providers keep.",
    ]


def _line(removal: "Removal") -> str:
    if removal.refused:
        return removal.refused
    target = removal.target
    return f"{_place(target)}: {_count(removal.objects, 'object')}{_with_journals(len(removal.journals))}"


def _with_journals(number: int) -> str:
    return f", {_count(number, 'journal')}" if number else ""


def _place(target: "Target") -> str:
    from urllib.parse import unquote

    if not target.prefix:
        return f"{target.transcript_id}, of which only a damaged journal is here"
    year, month, day, room, _ = target.prefix.split("/")
    return f"{target.transcript_id}, {year}-{month}-{day}, room {unquote(room)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _id(key: str) -> str:
    from urllib.parse import unquote

    return unquote(key.rpartition("/")[2])


def _data(removal: "Removal", dry_run: bool) -> dict[str, Any]:
    state = "refused" if removal.refused else "would go" if dry_run else "removed"
    return {
        "transcript_id": removal.target.transcript_id,
        "key": removal.target.prefix or None,
        "state": state,
        "objects": removal.objects,
        "journals": [str(path) for path in removal.journals],
        "reason": removal.refused or None,
    }
