"""`verbatim dispatch`: send the agent into a room that exists already."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from worker.cli.options import AsJson, ConfigFile, Profile, Set, load_settings
from worker.errors import Misconfigured

Room = Annotated[str, typer.Option("--room", help="Name of the room.")]


def command(
    room: Room,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
    json_: AsJson = False,
) -> None:
    """Send the agent into a room, such as one that a person joined without it."""
    from worker.livekit_api import dispatch

    loaded = load_settings("dispatch", config, profile, set_)
    if loaded.settings.agent.dispatch == "every_room":
        raise Misconfigured(
            "agent.dispatch is every_room: such a worker joins every room by itself and cannot be asked for by name; "
            "join the room, or set agent.dispatch to named and use verbatim start."
        )
    dispatch_id = asyncio.run(dispatch(loaded.settings, room))
    console = Console(highlight=False, soft_wrap=True)
    if json_:
        console.print_json(data={"dispatch": dispatch_id, "room": room, "agent": loaded.settings.agent.name})
    else:
        console.print(
            f"{loaded.settings.agent.name} was asked to join {room} (dispatch {dispatch_id}); it comes if a worker "
            "runs under that name (verbatim start).",
            markup=False,
        )
