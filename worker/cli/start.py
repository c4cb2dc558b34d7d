"""`verbatim start`: the production worker."""

import asyncio
import atexit
import logging
import os
import tempfile

from config import Loaded
from config.grace import needed, steps
from config.names import own_name
from config.sections.fleet import FleetSettings
from worker.cli.options import ConfigFile, Profile, Set, load_settings
from worker.run_directory import RunDirectory, usual_run_dir


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

    directory = RunDirectory(loaded.settings.fleet.run_dir or usual_run_dir())
    directory.open()
    # Python's own modules tidy up in it, and then before this.
    atexit.register(directory.close)
    publish(loaded)
    _keep_within(directory)
    # Only now: importing the SDK takes seconds, and everything above needs none of it.
    from worker.app import serve

    asyncio.run(serve(loaded, directory.path))


def _keep_within(directory: RunDirectory) -> None:
    """Have this process and its children use the directory, also for their temporary files."""
    os.environ[own_name("fleet.run_dir")] = str(directory.path.parent)
    if directory.temporary is not None:
        os.environ["TMPDIR"] = tempfile.tempdir = str(directory.temporary)


def _tell_grace(fleet: FleetSettings) -> None:
    logging.getLogger("verbatim.worker").info(
        "stopping may take %d seconds: the platform must wait as long between SIGTERM and SIGKILL",
        needed(fleet),
        extra={"grace_period": fleet.grace_period, "steps": {step.name: step.seconds for step in steps(fleet)}},
    )
