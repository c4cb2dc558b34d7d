"""The worker's processes: how many calls, how long things may take, where its health is asked."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from config.sections.base import Section
from config.values import LocalPath, described, wrong

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Megabytes = Annotated[int, Field(ge=0, le=1_048_576)]

_HOST = "a host name or an address, without a port"


def _host(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9.-]+", value):
        return value
    try:
        return str(ip_address(value))
    except ValueError:
        raise wrong(f"must be {_HOST}") from None


Host = Annotated[str, AfterValidator(_host), described(_HOST)]


class FleetSettings(Section):
    """The worker's processes. All times are seconds."""

    health_host: Host = "0.0.0.0"  # noqa: S104 - the platform asks for health from outside
    """Address on which health is served; `0.0.0.0` is every interface."""

    health_port: Annotated[int, Field(ge=0, le=65_535)] = 8081
    """Port on which health is served; 0: any free one."""

    max_sessions: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Calls that this worker holds at once. Not set: 4 for each core, and no more than its memory has room for with
    400 MB for itself and 100 MB a call; cores and memory are those of its container, where that has limits. A call
    takes about a tenth of a core and 75 MB, and more while it begins."""

    max_memory_percent: Annotated[int, Field(ge=10, le=100)] = 90
    """Share of the container's memory, or the machine's, that may be in use with one more call; no calls are taken
    above that."""

    max_loop_lag_ms: Annotated[float, Field(ge=10, le=60_000)] = 250
    """How late the worker's event loop may usually be, in milliseconds; no calls are taken above that. It is a sign of
    too few cores long before calls suffer."""

    max_calls_per_identity: Annotated[int, Field(ge=0, le=1000)] = 0
    """Calls that one caller may hold on this worker at once, by the identity in the token; 0: no limit. Another one
    waits until one of them ends. Tokens of `verbatim token` name the caller to the worker; of others it asks the
    server, and takes the call where that does not know it yet."""

    daily_budget: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Minutes of calls a day (UTC), of all workers that share `storage.journal_dir`; 0: no limit. When they are used
    up new calls are refused, with an alert; running calls go on."""

    watch: bool = False
    """Look after callers whose agent is missing, as `verbatim watch` does, within this worker: for a single worker
    beside its own LiveKit server. Where there are several, run `verbatim watch` once instead."""

    send_again: bool = True
    """Send the next agent from this worker, at once, when one of its own dies in the middle of a call, when its
    predecessor on this node had left calls, and when a caller comes back. Off: only `verbatim watch` does, after some
    20 seconds more. On LiveKit Cloud the platform follows agents that died in any case."""

    rejoin_grace: Annotated[float, Field(ge=0, le=600)] = 20
    """Seconds in which a caller who has left may come back into the same room and go on with the same conversation:
    the worker sends an agent again. livekit-server closes a room `room.departure_timeout` (20 s) after its last
    caller left, so that more is of use only where that is longer. 0: who comes back is a new caller."""

    watch_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Port on which `verbatim watch` serves `/livez` and `/metrics`, on the address of `fleet.health_host`; 0: any free
    one. Not set: none. A worker with `fleet.watch` serves these metrics among its own."""

    max_call_minutes: Annotated[float, Field(ge=0, le=1440)] = 60
    """Minutes after which a call is ended with a spoken goodbye; 0: never. A forgotten call costs what a real one
    does."""

    close_timeout: Seconds = 15
    """Seconds that the session of a call may take to close once the caller has gone; then its transcript is stored
    without waiting for it."""

    idle_processes: Annotated[int, Field(ge=0, le=100)] = 2
    """Processes that stand ready, so that a call need not wait for one to start."""

    initialize_process_timeout: Seconds = 30
    """Seconds that a process may take to become ready."""

    drain_timeout: Seconds = 600
    """Seconds that running calls may go on by themselves after the worker was told to stop."""

    handover_timeout: Annotated[float, Field(ge=10, le=600)] = 30
    """Seconds in which calls that still run then are handed over to other workers, side by side. A call that no
    worker takes within 10 of them is closed with a spoken sentence."""

    session_end_timeout: Seconds = 120
    """Seconds that a finished call may take to store its transcript."""

    shutdown_process_timeout: Seconds = 30
    """Seconds that a call's process may take to end afterwards."""

    grace_period: Seconds | None = None
    """Seconds that the platform waits between SIGTERM and SIGKILL, such as terminationGracePeriodSeconds or
    TimeoutStopSec. When given, the worker does not start with other settings under which stopping may take longer;
    how long it may take is logged at the start. It gives the worker no more time: only the platform does."""

    run_dir: LocalPath | None = None
    """Directory for what belongs to a running process: the socket between the worker and its calls, temporary files.
    Each worker has a directory of its own in it, named by its process id, and removes it at its end. Not set:
    `verbatim-<user id>` in the system's directory for temporary files."""

    job_memory_warn_mb: Megabytes = 1000
    """Memory of a call's process, in megabytes, above which a warning is logged; 0: never."""

    job_memory_limit_mb: Megabytes = 0
    """Memory of a call's process, in megabytes, above which it is ended; 0: no limit."""

    def located(self, directory: Path) -> "FleetSettings":
        """Return the same settings with an absolute path.

        Args:
            directory: What a relative path starts from, itself absolute.
        """
        if self.run_dir is None:
            return self
        return self.model_copy(update={"run_dir": (directory / self.run_dir).resolve()})
