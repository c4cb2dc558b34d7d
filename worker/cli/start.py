"""`verbatim start`: the production worker."""

import asyncio
import logging

from config import Loaded
from config.grace import needed, steps
from config.sections.fleet import FleetSettings
from worker.cli.options import ConfigFile, Profile, Set, load_settings


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
    _tell_grace(loaded.settings.fleet)

    publish(loaded)
    # Only now: importing the SDK takes seconds, and everything above needs none of it.
    from worker.app import serve

    asyncio.run(serve(loaded))


def _tell_grace(fleet: FleetSettings) -> None:
    logging.getLogger("verbatim.worker").info(
        "stopping may take %d seconds: the platform must wait as long between SIGTERM and SIGKILL",
        needed(fleet),
        extra={"grace_period": fleet.grace_period, "steps": {step.name: step.seconds for step in steps(fleet)}},
    )
