"""`verbatim start`: the production worker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from config import Loaded
from worker.cli.options import ConfigFile, Profile, Set, load_settings
from worker.errors import Failed, Unreachable

logger = logging.getLogger("verbatim.worker")


def command(config: ConfigFile = None, profile: Profile = None, set_: Set = None) -> None:
    """Take calls until told to stop (SIGTERM or Ctrl-C), then let running calls end."""
    run(load_settings("start", config, profile, set_))


def run(loaded: Loaded) -> None:
    """Check the machine, the storage and the server, then serve.

    Raises:
        Refusal: the worker cannot work; the sentence says why.
    """
    from worker.logs import set_up_logging
    from worker.machine import check_temporary_directory
    from worker.surroundings import publish

    telemetry = loaded.settings.telemetry
    set_up_logging(telemetry.log_level, readable=telemetry.log_format == "readable")
    check_temporary_directory()

    publish(loaded)
    # Only now: importing the SDK takes seconds, and everything above needs none of it.
    from worker.app import serve

    asyncio.run(_check_and_serve(loaded, serve))


async def _check_and_serve(loaded: Loaded, serve: Callable[[Loaded], Awaitable[None]]) -> None:
    from worker.livekit_api import check_credentials
    from worker.session.agents import build_agent
    from worker.speech.providers import build_llm, build_tts
    from worker.storage.errors import StorageError
    from worker.storage.probe import probe_journal_directory
    from worker.storage.store import Store

    settings = loaded.settings
    try:
        await Store.at(settings.storage.url).probe()
        await probe_journal_directory(settings.storage.journal_dir)
    except StorageError as error:
        raise Failed(str(error)) from None
    build_agent(settings)
    for plugin in (build_llm(settings), build_tts(settings)):
        await plugin.aclose()
    try:
        await check_credentials(settings)
    except Unreachable as refusal:
        # A server that is started beside the worker may take a moment; the worker keeps trying.
        logger.warning("%s", refusal)
    await serve(loaded)
