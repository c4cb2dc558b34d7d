"""Measures, in a job's process, how long our code holds the event loop. Python imports it by its name at its start.

Time counts as ours from the entry of a function of `worker` to its return or its next suspension, with all that it
calls, but without LiveKit's and the vendors' own code, which would run without us as well. It is summed up for each
callback of the loop, and time in which the thread waited for a processor is taken off. The profiler's own cost is
in it, so that the figures are rather too high.
"""

import asyncio.events
import json
import os
import sys
import time
from multiprocessing import current_process, util
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

TOLD_FROM_S = 0.001
"""Callbacks that took so long are told one by one."""

AUDIO_BEGINS, AUDIO_ENDS = "Backlog.hear", "Capture._closed"

_THEIRS = tuple(f"{os.sep}{name}{os.sep}" for name in ("livekit", "openai", "httpx2", "aiohttp", "multiprocessing"))
_OURS = f"{os.sep}worker{os.sep}"


class Probe:
    """The profile function of one thread, and what it found."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kinds: dict[CodeType, bool | None] = {}
        self._stack: list[bool] = []
        self._since = 0.0
        self._spent = 0.0
        self._function = ""
        self._phase = "before"
        self._all: dict[str, list[float]] = {"before": [], "audio": [], "after": []}
        self._slow: list[dict[str, Any]] = []

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        """Take an event of the interpreter (`sys.setprofile`)."""
        if event == "call":
            code = frame.f_code
            kind = self._kinds.get(code, ...)
            if kind is ...:
                kind = self._kinds[code] = _kind(code.co_filename)
            before = bool(self._stack and self._stack[-1])
            now = before if kind is None else bool(kind)
            self._stack.append(now)
            if kind:
                self._note(code.co_qualname)
            self._pass_on(before, now)
        elif event == "return" and self._stack:
            before = self._stack.pop()
            self._pass_on(before, bool(self._stack and self._stack[-1]))

    def _note(self, function: str) -> None:
        self._function = self._function or function
        if function == AUDIO_BEGINS and self._phase == "before":
            self._phase = "audio"
        elif function == AUDIO_ENDS:
            self._phase = "after"

    def _pass_on(self, before: bool, now: bool) -> None:
        if now and not before:
            self._since = time.perf_counter()
        elif before and not now:
            self._spent += time.perf_counter() - self._since

    def begin(self) -> None:
        """A callback of the loop begins."""
        self._stack.clear()
        self._spent, self._function = 0.0, ""

    def end(self, waited_s: float) -> None:
        """It is over; the thread waited so long for a processor meanwhile."""
        if not self._function:
            return
        spent = max(0.0, self._spent - waited_s) if self._spent >= TOLD_FROM_S else self._spent
        self._all[self._phase].append(spent)
        if spent >= TOLD_FROM_S:
            self._slow.append({"phase": self._phase, "ms": round(1000 * spent, 2), "began_with": self._function})

    def write(self) -> None:
        """The process ends."""
        self._file.write_text(json.dumps({"seconds": self._all, "slow": self._slow}))


def _kind(file: str) -> bool | None:
    if any(name in file for name in _THEIRS):
        return False
    return True if _OURS in file and "site-packages" not in file else None


def _waited_s() -> float:
    """How long this thread has waited for a processor so far (Linux, Documentation/scheduler/sched-stats)."""
    with open("/proc/thread-self/schedstat") as statistics:  # noqa: PTH123 - read twice a callback
        return int(statistics.read().split()[1]) / 1e9


def _install() -> None:
    directory = os.environ.get("CALLBACK_PROBE")
    if directory is None:
        return
    run = asyncio.events.Handle._run
    probes: list[Probe] = []

    def measured(handle: asyncio.events.Handle) -> None:
        if current_process().name != "job_proc":
            run(handle)
            return
        if not probes:
            probes.append(Probe(Path(directory) / f"{os.getpid()}.json"))
            util.Finalize(None, probes[0].write, exitpriority=1)
        probe = probes[0]
        waited = _waited_s()
        probe.begin()
        sys.setprofile(probe.profile)
        try:
            run(handle)
        finally:
            sys.setprofile(None)
            probe.end(_waited_s() - waited)

    asyncio.events.Handle._run = measured  # type: ignore[method-assign]


_install()
