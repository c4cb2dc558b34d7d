"""Whether this machine or container has room for as many calls as the settings allow."""

import resource
from dataclasses import dataclass

from config import Settings
from worker.doctor.findings import Finding, fine, warning
from worker.fleet import resources
from worker.fleet.admission import BASE_BYTES, CALL_BYTES, MEGABYTE, default_max_sessions

CORES_PER_CALL = 0.1
"""As `fleet.max_sessions` says."""

FILES_OF_THE_WORKER, FILES_PER_CALL = 256, 24
"""Open files of the main process: its own, and pipes and sockets for each call's process."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the worker may use, and for how many calls.

    Attributes:
        cores: share of processors, 1.5 is one and a half.
        memory: bytes.
        calls: how many it would hold at once.
    """

    cores: float
    memory: int
    calls: int


def capacity(settings: Settings) -> Capacity:
    """Measure as the worker itself does."""
    cores, memory = resources.cores(), resources.memory().limit
    return Capacity(cores, memory, settings.fleet.max_sessions or default_max_sessions(cores, memory))


def check_processors(found: Capacity) -> Finding:
    """Compare the processors with the calls."""
    said = f"{found.cores:g} {'core' if found.cores == 1 else 'cores'}"
    room = max(1, int(found.cores / CORES_PER_CALL))
    if found.calls > room:
        return warning(
            "processors",
            f"There {'is' if found.cores == 1 else 'are'} {said}, enough for about {room} calls, and the worker holds "
            f"{found.calls}.",
            "Lower fleet.max_sessions, or give the container more CPU.",
        )
    return fine("processors", f"{said}, enough for the {found.calls} calls that the worker holds at once.")


def check_memory(found: Capacity) -> Finding:
    """Compare the memory with the calls."""
    needed = BASE_BYTES + CALL_BYTES * found.calls
    if found.memory < needed:
        room = max(0, (found.memory - BASE_BYTES) // CALL_BYTES)
        return warning(
            "memory",
            f"There are {found.memory // MEGABYTE} MB, enough for about {room} calls, and the worker holds "
            f"{found.calls}: the system would end a call's process when there is no more.",
            f"Lower fleet.max_sessions, or give the worker {needed // MEGABYTE} MB.",
        )
    return fine("memory", f"{found.memory // MEGABYTE} MB, enough for the {found.calls} calls.")


def check_open_files(found: Capacity, limit: int | None = None) -> Finding:
    """Compare the limit of open files with the calls."""
    allowed = limit if limit is not None else resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = FILES_OF_THE_WORKER + FILES_PER_CALL * found.calls
    if allowed == resource.RLIM_INFINITY or allowed >= needed:
        return fine("open files", "As many files may be open as the calls need.")
    return warning(
        "open files",
        f"At most {allowed} files may be open, and {found.calls} calls need {needed}.",
        f"Raise the limit: LimitNOFILE={needed} in systemd, ulimit -n {needed} in a shell.",
    )
