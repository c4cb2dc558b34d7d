"""`verbatim token`: what a person needs to join a room."""

import json
from typing import Annotated

import typer
from rich.console import Console

from worker.cli.options import AsJson, ConfigFile, Profile, Set, load_settings

Room = Annotated[str, typer.Option("--room", help="Name of the room; it is made when the first person joins.")]
Identity = Annotated[str | None, typer.Option("--identity", help="Who joins; default: a random name.")]


def command(
    room: Room,
    identity: Identity = None,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
    json_: AsJson = False,
) -> None:
    """Print a URL and a token with which one person can join a room that the agent is sent to.

    The token is for this one room and runs out in 15 minutes. Playground: choose Manual, paste both.
    """
    from worker.invitation import invite

    invitation = invite(load_settings("token", config, profile, set_).settings, room, identity)
    console = Console(soft_wrap=True, highlight=False)
    if json_:
        console.print(
            json.dumps(
                {
                    "server_url": invitation.server_url,
                    "participant_token": invitation.token,
                    "room": invitation.room,
                    "identity": invitation.identity,
                    "expires_in_seconds": invitation.expires_in_seconds,
                },
                indent=2,
            ),
            markup=False,
        )
        return
    console.print(f"URL    {invitation.server_url}", markup=False)
    console.print(f"Token  {invitation.token}", markup=False)
    console.print(
        f"\nFor {invitation.identity} in room {invitation.room}, "
        f"{invitation.expires_in_seconds // 60} minutes. Agents Playground: Manual, paste both, Connect.",
        markup=False,
    )
