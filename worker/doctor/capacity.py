"""Whether this machine or container has room for as many calls as the settings allow."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from config import Settings
from worker.doctor.findings import Finding, fine, skipped, warning

CORES_PER_CALL = 0.1
"""As `fleet.max_sessions` says."""

MEGABYTES_PER_CALL = 75
MEGABYTES_OF_THE_WORKER = 330
"""The worker itself with one process that stands ready, measured as PSS."""

FILES_OF_THE_WORKER, FILES_PER_CALL = 256, 24
"""Open files of the main process: its own, and pipes and sockets for each call's process."""

MEGABYTE = 1_000_000

CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Limits:
    """What processes here may use; None where there is no limit, or none that can be read.

    Attributes:
        cores: Share of processors, 1.5 is one and a half.
        memory: Bytes.
    """

    cores: float | None
    memory: int | None


def read_limits(root: Path = CGROUP) -> Limits:
    """Return the limits of this process's control group, of version 2 or 1."""
    quota, _, period = _text(root / "cpu.max").partition(" ")
    if not quota:
        quota, period = _text(root / "cpu/cpu.cfs_quota_us"), _text(root / "cpu/cpu.cfs_period_us")
    cores = int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None
    memory = _text(root / "memory.max") or _text(root / "memory/memory.limit_in_bytes")
    # Without a limit, version 1 tells a number near 2 to the 63.
    return Limits(cores, int(memory) if memory.isdigit() and int(memory) < 2**60 else None)


def check_processors(settings: Settings, limits: Limits, present: int | None = None) -> Finding:
    """Compare the processors with `fleet.max_sessions`."""
    there = float(present or os.cpu_count() or 1)
    cores = min(there, limits.cores) if limits.cores is not None else there
    calls = settings.fleet.max_sessions
    said = f"{cores:g} {'core' if cores == 1 else 'cores'}"
    if limits.cores is not None and limits.cores < there:
        said += f" (a limit of the control group; the machine has {there:g})"
    if calls * CORES_PER_CALL > cores:
        return warning(
            "processors",
            f"There {'is' if cores == 1 else 'are'} {said}, enough for about {max(1, int(cores / CORES_PER_CALL))} "
            f"calls, and fleet.max_sessions is {calls}.",
            "Lower it, or give the container more CPU.",
        )
    return fine("processors", f"{said}, enough for fleet.max_sessions {calls}.")


def check_memory(settings: Settings, limits: Limits, present: int | None = None) -> Finding:
    """Compare the memory with `fleet.max_sessions`."""
    there = present or _memory_of_machine()
    if there is None:
        return skipped("memory", "Not checked: this system does not tell how much there is.")
    memory = min(there, limits.memory) if limits.memory is not None else there
    calls = settings.fleet.max_sessions
    needed = MEGABYTES_OF_THE_WORKER + MEGABYTES_PER_CALL * calls
    if memory < needed * MEGABYTE:
        room = max(0, (memory // MEGABYTE - MEGABYTES_OF_THE_WORKER) // MEGABYTES_PER_CALL)
        return warning(
            "memory",
            f"There are {memory // MEGABYTE} MB, enough for about {room} calls, and fleet.max_sessions is {calls}: "
            "the system would end a call's process when there is no more.",
            f"Lower it, or give the worker {needed} MB.",
        )
    return fine("memory", f"{memory // MEGABYTE} MB, enough for fleet.max_sessions {calls}.")


def check_open_files(settings: Settings, limit: int | None = None) -> Finding:
    """Compare the limit of open files with `fleet.max_sessions`."""
    allowed = limit if limit is not None else resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = FILES_OF_THE_WORKER + FILES_PER_CALL * settings.fleet.max_sessions
    if allowed == resource.RLIM_INFINITY or allowed >= needed:
        return fine("open files", "As many files may be open as the calls need.")
    return warning(
        "open files",
        f"At most {allowed} files may be open, and fleet.max_sessions {settings.fleet.max_sessions} needs {needed}.",
        f"Raise the limit: LimitNOFILE={needed} in systemd, ulimit -n {needed} in a shell.",
    )


def _memory_of_machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
