"""How long a worker may take to stop, from SIGTERM to the end of its process: what its platform has to wait.

A platform that waits less ends the calls with SIGKILL. No word that was accepted is lost then, but callers are cut
off, and their transcripts are finished by the next worker only.
"""

import math
from dataclasses import dataclass

from config.sections.fleet import FleetSettings

ENTRY_SECONDS = 15
"""What the framework gives a call that is just being set up (livekit-agents 1.8.9, `ipc/job_proc_lazy_main.py`)."""

CLOSE_SECONDS = 60
"""What the framework gives a session to close (the same, `_SESSION_ACLOSE_TIMEOUT`)."""

LAST_SWEEP_SECONDS = 10
"""What the worker gives itself to finish the transcripts of calls that it had to end: its node may go with it."""

MARGIN_SECONDS = 5
"""What a busy machine may add: to hear of the signal, to end processes, to leave Python."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing after another that stopping may have to wait for."""

    name: str
    """What is waited for."""
    seconds: float
    """For how long at most."""
    key: str | None = None
    """The setting that says so, if one does."""


def steps(fleet: FleetSettings) -> tuple[Step, ...]:
    """Return what stopping consists of, in its order; calls end side by side, so their number does not matter."""
    return (
        # The framework counts whole seconds.
        Step("calls end by themselves", math.ceil(fleet.drain_timeout), "fleet.drain_timeout"),
        Step("calls are handed over", fleet.handover_timeout, "fleet.handover_timeout"),
        Step("calls that are being set up", ENTRY_SECONDS),
        Step("sessions close", CLOSE_SECONDS),
        Step("transcripts are stored", fleet.session_end_timeout, "fleet.session_end_timeout"),
        Step("the calls' processes end", fleet.shutdown_process_timeout, "fleet.shutdown_process_timeout"),
        Step("transcripts that were left are stored", LAST_SWEEP_SECONDS),
        Step("margin", MARGIN_SECONDS),
    )


def needed(fleet: FleetSettings) -> int:
    """Return the whole seconds that a platform has to wait between SIGTERM and SIGKILL."""
    return math.ceil(sum(step.seconds for step in steps(fleet)))


def shortfall(fleet: FleetSettings) -> str | None:
    """Return a sentence with the remedy where `fleet.grace_period` is too short for the other settings."""
    given, wanted = fleet.grace_period, needed(fleet)
    if given is None or given >= wanted:
        return None
    longest_drain = math.floor(fleet.drain_timeout - (wanted - given))
    lower = (
        f"lower fleet.drain_timeout to {longest_drain}"
        if longest_drain > 0
        else "lower fleet.drain_timeout, fleet.handover_timeout, fleet.session_end_timeout and "
        "fleet.shutdown_process_timeout"
    )
    return (
        f"fleet.grace_period is {given:g} seconds, and with these settings a worker may take {wanted} to stop; "
        f"have the platform wait {wanted}, or {lower}."
    )
