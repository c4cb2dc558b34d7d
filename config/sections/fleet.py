"""The worker's processes: how many calls, how long things may take, where its health is asked."""

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field

from config.sections.base import Section
from config.values import described, wrong

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

    max_sessions: Annotated[int, Field(ge=1, le=1000)] = 12
    """Calls that this worker holds at once; a call needs about a tenth of a core and 75 MB."""

    idle_processes: Annotated[int, Field(ge=0, le=100)] = 2
    """Processes that stand ready, so that a call need not wait for one to start."""

    initialize_process_timeout: Seconds = 30
    """Seconds that a process may take to become ready."""

    drain_timeout: Seconds = 600
    """Seconds that running calls may go on by themselves after the worker was told to stop."""

    session_end_timeout: Seconds = 120
    """Seconds that a finished call may take to store its transcript."""

    shutdown_process_timeout: Seconds = 30
    """Seconds that a call's process may take to end afterwards."""

    grace_period: Seconds | None = None
    """Seconds that the platform waits between SIGTERM and SIGKILL, such as terminationGracePeriodSeconds or
    TimeoutStopSec. When given, the worker does not start with other settings under which stopping may take longer;
    how long it may take is logged at the start. It gives the worker no more time: only the platform does."""

    job_memory_warn_mb: Megabytes = 1000
    """Memory of a call's process, in megabytes, above which a warning is logged; 0: never."""

    job_memory_limit_mb: Megabytes = 0
    """Memory of a call's process, in megabytes, above which it is ended; 0: no limit."""
