"""`verbatim transcripts recover`: finish what dead jobs left, here and elsewhere, as a worker does every minute."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.options import AsJson, ConfigFile, Profile, Set
from worker.errors import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from worker.cli.transcripts.archive import Archive
    from worker.storage.recovery.sweep import Outcome

DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, only tell.")]


def command(
    dry_run: DryRun = False,
    json_: AsJson = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Store every call whose process has died; running calls are left alone.

    Calls of this node are stored from their journals, calls of nodes that are lost from what these had sent to the
    bucket. A minute is waited where that is not clear at once: whoever renews a lease in that time lives.
    """
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.screen import console, note, one_line, print_json

    async def recovered(archive: "Archive") -> "tuple[Sequence[Outcome], Path]":
        from worker.storage.recovery.sweep import recover

        formats = archive.formats(archive.settings.transcript.formats)
        outcomes = [*await recover(archive.journal_dir, archive.store, formats, dry_run=dry_run)]
        if not any(each.by_store for each in outcomes):
            outcomes += await _of_other_nodes(archive, dry_run)
        return outcomes, archive.journal_dir

    outcomes, journal_dir = with_archive(recovered, config, profile, set_)
    if json_:
        print_json([_data(outcome) for outcome in outcomes])
    for outcome in outcomes if not json_ else ():
        console().print(one_line(_line(outcome)), soft_wrap=True)
    if not outcomes and not json_:
        note(f"There is nothing to recover: no journal is in {journal_dir}, and no other node left a call.")
    from worker.storage.recovery.sweep import State

    if any(outcome.state in (State.LEFT, State.WAITING) for outcome in outcomes):
        raise typer.Exit(EXIT_FAILED)


async def _of_other_nodes(archive: "Archive", dry_run: bool) -> "Sequence[Outcome]":
    """Look at what other nodes left, and where that may have to be finished, once more when it was watched."""
    from worker.cli.transcripts.screen import note
    from worker.fleet.presence import LiveKitRooms
    from worker.storage.recovery.other_nodes import LEASE_AGE_S, OtherNodes
    from worker.storage.recovery.sweep import State

    formats = archive.formats(archive.settings.transcript.formats)
    other_nodes = OtherNodes(archive.journal_dir, archive.store, formats, LiveKitRooms(archive.settings))
    outcomes = await other_nodes.sweep(dry_run=True, age_s=0)
    if unclear := [each for each in outcomes if each.state is State.WOULD_FINALISE]:
        calls = "1 call" if len(unclear) == 1 else f"{len(unclear)} calls"
        note(f"{calls} of other nodes may be over: their leases are watched for {LEASE_AGE_S:.0f} s.")
        await asyncio.sleep(LEASE_AGE_S)
        outcomes = await other_nodes.sweep(dry_run=dry_run, age_s=LEASE_AGE_S)
    return outcomes


def _line(outcome: "Outcome") -> str:
    from worker.storage.recovery.sweep import State

    # Why a journal is in use is a sentence that says that it is.
    state = "" if outcome.state is State.IN_USE and outcome.reason else outcome.state.value
    whose = f"{outcome.transcript_id}, job {outcome.job}"
    return ": ".join(part for part in (whose, state, outcome.address, outcome.reason) if part)


def _data(outcome: "Outcome") -> dict[str, Any]:
    return {
        "transcript_id": outcome.transcript_id,
        "job": outcome.job,
        "journal": None if outcome.lease else str(outcome.journal),
        "lease": outcome.lease or None,
        "state": outcome.state.value,
        "reason": outcome.reason or None,
        "manifest": outcome.address or None,
    }
