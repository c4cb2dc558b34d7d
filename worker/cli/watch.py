"""`verbatim watch`: nobody is left waiting for an agent that was promised."""

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from config import Settings
from worker.cli.options import AsJson, ConfigFile, Profile, Set, load_settings
from worker.errors import EXIT_FAILED, Misconfigured, Unreachable

if TYPE_CHECKING:
    from worker.fleet.watcher import Watcher

Once = Annotated[bool, typer.Option("--once", help="Look once, and end: 1 when somebody still waits.")]
Force = Annotated[bool, typer.Option("--force", help="Also for a LiveKit Cloud project, which does the same itself.")]


def command(
    once: Once = False,
    force: Force = False,
    config: ConfigFile = None,
    profile: Profile = None,
    set_: Set = None,
    json_: AsJson = False,
) -> None:
    """Send an agent again to callers who wait without theirs: it died, or all workers were full.

    LiveKit's own server never does so itself. Run one of these beside your workers, with the same agent.name. It needs
    no storage and keeps nothing, so that it may be stopped and started at any time. --json prints a line for each
    agent that is sent.
    """
    settings = load_settings("watch", config, profile, set_).settings
    if settings.livekit.is_cloud and not force:
        raise Misconfigured(
            "livekit.url is a LiveKit Cloud project, which sends agents again by itself; "
            "nothing needs to be watched there (--force does it all the same)."
        )
    from worker.logs import set_up_logging

    set_up_logging(settings.telemetry.log_level, readable=settings.telemetry.log_format == "readable")
    if once:
        asyncio.run(_once(settings, json_=json_))
    else:
        asyncio.run(_until_told(settings, json_=json_))


async def _once(settings: Settings, *, json_: bool) -> None:
    from worker.fleet.watcher import Watcher

    found = await Watcher(settings).look()
    if json_:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True)
        console.print(f"{found.rooms} rooms, {len(found.actions)} agents sent again, {len(found.waiting)} still wait.")
        for room in found.waiting:
            why = "agents keep dying there" if room in found.hopeless else "its agent may be on its way"
            console.print(f"waiting: {room} ({why})", markup=False)
    if found.waiting:
        raise typer.Exit(EXIT_FAILED)


async def _until_told(settings: Settings, *, json_: bool) -> None:
    """Watch until SIGTERM or SIGINT.

    Raises:
        Refusal: what is at the address is no LiveKit server, or refuses the key and secret.
    """
    watching = asyncio.create_task(_watch(settings, json_=json_))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, watching.cancel)
    await asyncio.wait({watching})
    if not watching.cancelled():
        watching.result()


async def _watch(settings: Settings, *, json_: bool) -> None:
    from worker.fleet.watcher import Action, Watcher
    from worker.livekit_api import check_credentials

    def notify(action: Action) -> None:
        if json_:
            typer.echo(json.dumps(action.as_json()))

    # A server that is started beside this may take a moment; the watcher says so, and waits for it.
    with contextlib.suppress(Unreachable):
        await check_credentials(settings)
    async with _served(watcher := Watcher(settings, notify), settings):
        await watcher.run()


@contextlib.asynccontextmanager
async def _served(watcher: "Watcher", settings: Settings) -> AsyncIterator[None]:
    """Serve the watcher's metrics, where a port for them is set.

    Raises:
        Failed: the port cannot be used.
    """
    if settings.fleet.watch_port is None:
        yield
        return
    from worker.fleet.exposition import Exposition
    from worker.fleet.metrics_server import MetricsServer
    from worker.fleet.readings import of_watcher
    from worker.metrics.definitions import WATCHER

    server = MetricsServer(Exposition(WATCHER, lambda: of_watcher(watcher.found)).answer)
    await server.start(settings.fleet.health_host, settings.fleet.watch_port)
    logging.getLogger("verbatim.watch").info("metrics are served", extra={"port": server.port})
    try:
        yield
    finally:
        await server.close()
