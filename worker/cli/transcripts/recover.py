"""`verbatim transcripts recover`: finish what dead jobs left, as a worker does every minute."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.options import AsJson, ConfigFile, Profile, Set
from worker.errors import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from worker.cli.transcripts.archive import Archive
    from worker.storage.recovery import Outcome

DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, only tell.")]


def command(
    dry_run: DryRun = False,
    json_: AsJson = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Store every call whose process has died, from the journals on this node; running calls are left alone."""
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.screen import console, note, one_line, print_json

    async def recovered(archive: "Archive") -> "tuple[Sequence[Outcome], Path]":
        from worker.storage.recovery import recover

        formats = archive.formats(archive.settings.transcript.formats)
        return await recover(archive.journal_dir, archive.store, formats, dry_run=dry_run), archive.journal_dir

    outcomes, journal_dir = with_archive(recovered, config, profile, set_)
    if json_:
        print_json([_data(outcome) for outcome in outcomes])
    for outcome in outcomes if not json_ else ():
        console().print(one_line(_line(outcome)), soft_wrap=True)
    if not outcomes and not json_:
        note(f"There is nothing to recover: no journal is in {journal_dir}.")
    from worker.storage.recovery import State

    if any(outcome.state in (State.LEFT, State.WAITING) for outcome in outcomes):
        raise typer.Exit(EXIT_FAILED)


def _line(outcome: "Outcome") -> str:
    from worker.storage.recovery import State

    # Why a journal is in use is a sentence that says that it is.
    state = "" if outcome.state is State.IN_USE and outcome.reason else outcome.state.value
    whose = f"{outcome.transcript_id}, job {outcome.job}"
    return ": ".join(part for part in (whose, state, outcome.address, outcome.reason) if part)


def _data(outcome: "Outcome") -> dict[str, Any]:
    return {
        "transcript_id": outcome.transcript_id,
        "job": outcome.job,
        "journal": str(outcome.journal),
        "state": outcome.state.value,
        "reason": outcome.reason or None,
        "manifest": outcome.address or None,
    }
