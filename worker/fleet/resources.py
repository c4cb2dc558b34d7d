"""What this process may use of the machine: cores and memory, as its control group allows (Linux), else all of it.

Everything here blocks for a moment: call it in a thread.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from worker.fleet.admission import CALL_BYTES, Memory

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class _Names:
    """Files of a control group, by version; the limits of a group hold for those below it as well."""

    limit: str
    used: str
    given_up: str
    """Key in `memory.stat`: bytes of files that were read once, which the system drops when it needs room."""


_V2 = _Names("memory.max", "memory.current", "inactive_file")
_V1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def cores(root: Path = ROOT, own: Path = OWN) -> float:
    """Return how many cores this process may use; 0.5 is half of one's time."""
    found = [float(_usable_cores())]
    for group in _groups("cpu", root, own):
        with contextlib.suppress(OSError, ValueError):
            if (file := group / "cpu.max").exists():
                quota, period = file.read_text().split()
            else:
                quota = (group / "cpu.cfs_quota_us").read_text()
                period = (group / "cpu.cfs_period_us").read_text()
            if float(quota) > 0:  # "max" is no number, and -1 is version 1's word for it
                found.append(float(quota) / float(period))
    return min(found)


def memory(root: Path = ROOT, own: Path = OWN) -> Memory:
    """Return the memory that leaves this process least: the machine's, or that of a group above it."""
    machine = psutil.virtual_memory()
    found = [Memory(machine.total, machine.total - machine.available)]
    for group in _groups("memory", root, own):
        names = _V2 if (group / _V2.used).exists() else _V1
        with contextlib.suppress(OSError, ValueError):
            limit = int((group / names.limit).read_text())  # "max" is no number
            used = int((group / names.used).read_text())
            if limit < machine.total:
                found.append(Memory(limit, max(0, used - _given_up(group, names.given_up))))
    return min(found, key=lambda each: each.limit - each.used)


def call_bytes(calls: int) -> int:
    """Return what one more call may need: as much as the `calls` largest processes of this worker have on average.

    Counted is a process's own share (PSS); a sum of resident sizes counts what they share many times over.
    """
    if calls == 0:
        return CALL_BYTES
    sizes = sorted(_sizes(), reverse=True)[:calls]
    return max(CALL_BYTES, sum(sizes) // len(sizes)) if sizes else CALL_BYTES


def _sizes() -> Iterator[int]:
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error, NotImplementedError):
                size = process.memory_full_info()
                yield int(getattr(size, "pss", 0) or size.uss or size.rss)


def _usable_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has none
        return os.cpu_count() or 1


def _groups(controller: str, root: Path, own: Path) -> Iterator[Path]:
    """Yield the directories of this process's control group and of those above it."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # In a container the group that the path names is not to be seen: then the root is the container's own.
        top = root / controller if controllers else root
        group = top / path.lstrip("/")
        while group != top:
            if group.is_dir():
                yield group
            group = group.parent
        yield top


def _given_up(group: Path, key: str) -> int:
    for line in (group / "memory.stat").read_text().splitlines():
        name, _, size = line.partition(" ")
        if name == key:
            return int(size)
    return 0
