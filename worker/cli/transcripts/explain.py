"""`verbatim transcripts explain`: what happened to a session, from its dispatch to its storage."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.options import AsJson, ConfigFile, Profile, Set
from worker.cli.transcripts.show import Id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.cli.transcripts.archive import Archive
    from worker.storage.sessions.history import Step
    from worker.storage.sessions.session import Session

WithText = Annotated[bool, typer.Option("--text", help="Tell what was said too.")]


def command(
    id_: Id,
    text: WithText = False,
    json_: AsJson = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
) -> None:
    """Print one timeline: dispatch, parts, people, STT sessions, errors, gaps, end, storage. Without words."""
    from worker.cli.transcripts.archive import with_archive
    from worker.cli.transcripts.screen import note, print_json

    async def explained(archive: "Archive") -> "tuple[Session, str, list[Step]]":
        from worker.storage.sessions.finding import find
        from worker.storage.sessions.history import call_steps
        from worker.storage.sessions.session import State

        session, remark = await find(archive.catalogue, id_)
        readings = await archive.catalogue.readings(session)
        steps = list(call_steps(readings, with_text=text, runs=session.state in (State.RUNNING, State.OPEN)))
        return session, remark, steps + await _storage_steps(archive, session)

    session, remark, steps = with_archive(explained, config, profile, set_)
    for sentence in (remark, session.trouble):
        if sentence:
            note(sentence)
    if json_:
        print_json(
            {
                "transcript_id": session.transcript_id,
                "room": session.room,
                "state": session.state.value,
                "complete": session.complete,
                "reason": session.reason,
                "steps": [_data(step) for step in steps],
            }
        )
    else:
        _print(session, steps)


async def _storage_steps(archive: "Archive", session: "Session") -> "list[Step]":
    """Return when each file was stored, which generation of the transcript it is, and what is still on this node."""
    from pydantic import ValidationError

    from worker.storage.sessions.history import Step
    from worker.transcript.integrity import Manifest

    steps: list[Step] = []
    objects = await archive.store.objects(session.prefix) if session.prefix else ()
    for each in sorted(objects, key=lambda each: each.modified):
        at = each.modified.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        name = each.key.removeprefix(f"{session.prefix}/")
        detail = f"{name}, {each.size} bytes"
        if name == "manifest.json":
            try:
                manifest = Manifest.model_validate_json(await archive.store.get(each.key) or b"")
                detail += f", generation {manifest.generation}, {manifest.state}"
            except ValidationError:
                detail += ", which cannot be read"
        steps.append(Step(at, "stored", detail))
    steps += [Step("", "still here", f"journal {path}, {session.state.value}") for path in session.journals]
    return steps


def _print(session: "Session", steps: "Sequence[Step]") -> None:
    from rich.table import Table

    from worker.cli.transcripts.ls import state_of
    from worker.cli.transcripts.screen import console, one_line, print_table

    heading = f"{session.transcript_id} in room {session.room}: {state_of(session)}, {session.reason}"
    console().print(one_line(heading), soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("at, UTC", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("detail", overflow="fold")
    several = len({step.job for step in steps if step.job}) > 1
    for step in steps:
        job = f"{step.job}: " if several and step.job else ""
        table.add_row(step.at.replace("T", " ").removesuffix("Z"), step.what, one_line(job + step.detail))
    print_table(table)


def _data(step: "Step") -> dict[str, Any]:
    return {"at": step.at or None, "what": step.what, "job": step.job or None, "detail": step.detail}
