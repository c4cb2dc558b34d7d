"""Whether a call is taken, and how loaded the worker says it is. Pure: the figures come from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

SERVER_TARGET_LOAD = 0.7001
"""Just over livekit-server's `agents.target_load` (0.7), which decides who is offered a call."""

MEGABYTE = 1_000_000

BASE_BYTES = 400 * MEGABYTE
"""What a worker needs without a call: 300 to 330 MB were measured with one idle process, a second is 40."""

CALL_BYTES = 100 * MEGABYTE
"""What a call is given room for where none runs to be measured: 58 to 72 MB were measured, an agent brings its own."""

CALLS_PER_CORE = 4
"""A call takes 0.10 to 0.11 core while it runs (measured); the rest is for calls that begin, and for what bursts."""


class Reason(StrEnum):
    """Why a call is left to another worker, or waits until there is room."""

    DRAINING = "draining"
    FULL = "full"
    STORAGE = "storage"
    MEMORY = "memory"
    BUSY = "busy"
    BUDGET = "daily_budget"
    CALLER = "calls_per_identity"
    OCCUPIED = "agent_present"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not taken now: for machines, and as a sentence."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory that this worker may use.

    Attributes:
        limit: bytes, of its container or the machine, whichever leaves less.
        used: bytes of it that are in use, by whomever, without what the system would give up.
    """

    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator allows; 0 is no limit where it says so."""

    max_sessions: int
    max_memory_percent: int = 100
    max_loop_lag_ms: float = 1e9
    daily_budget_minutes: int = 0
    """0: none."""
    max_calls_per_identity: int = 0
    """0: none."""


@dataclass(frozen=True, slots=True)
class Situation:
    """How the worker is, at one moment.

    Attributes:
        sessions: calls that run, and those that are being accepted.
        draining: it was told to stop.
        trouble: why a call could not be written down, as a sentence, or `None`.
        memory: `None` where it cannot be told.
        call_bytes: what one more call may need.
        loop_lag_ms: how late the event loop usually is.
        minutes_today: minutes of calls that were held today.
    """

    sessions: int
    draining: bool = False
    trouble: str | None = None
    memory: Memory | None = None
    call_bytes: int = CALL_BYTES
    loop_lag_ms: float = 0.0
    minutes_today: float = 0.0


def default_max_sessions(cores: float, memory_bytes: int) -> int:
    """Return how many calls a worker holds that may use so many cores and so much memory; at least one."""
    return max(1, min(int(CALLS_PER_CORE * cores), (memory_bytes - BASE_BYTES) // CALL_BYTES))


def shortage(now: Situation, limits: Limits) -> Refusal | None:
    """Return what keeps the worker from any call whatever though it is well, or `None`: it has too much to do."""
    if now.sessions >= limits.max_sessions:
        return Refusal(Reason.FULL, f"{now.sessions} of fleet.max_sessions {limits.max_sessions} calls run")
    if now.memory is not None:
        needed, mark = now.memory.used + now.call_bytes, now.memory.limit * limits.max_memory_percent / 100
        if needed > mark:
            return Refusal(
                Reason.MEMORY,
                f"one more call would take {needed / MEGABYTE:.0f} MB of memory, and fleet.max_memory_percent allows "
                f"{mark / MEGABYTE:.0f}: give the worker more memory, or lower fleet.max_sessions",
            )
    if now.loop_lag_ms > limits.max_loop_lag_ms:
        return Refusal(
            Reason.BUSY,
            f"the worker's event loop is {now.loop_lag_ms:.0f} ms late, more than fleet.max_loop_lag_ms: "
            "give the worker more cores, or lower fleet.max_sessions",
        )
    return None


def spent(now: Situation, limits: Limits) -> Refusal | None:
    """Return the refusal of new calls when the day's budget is used up, or `None`."""
    if not 0 < limits.daily_budget_minutes <= now.minutes_today:
        return None
    return Refusal(
        Reason.BUDGET,
        f"{now.minutes_today:.0f} minutes of calls were held today, and fleet.daily_budget is "
        f"{limits.daily_budget_minutes}: calls are taken again after midnight UTC, or with a larger budget",
    )


NO_CALLS: Mapping[str, int] = MappingProxyType({})


def refusal(
    now: Situation,
    limits: Limits,
    *,
    resumes: bool = False,
    caller: str | None = None,
    calls: Mapping[str, int] = NO_CALLS,
    agents: int = 0,
) -> Refusal | None:
    """Return why a call is not taken, or `None`.

    Args:
        now: how the worker is.
        limits: what it is allowed.
        resumes: whether the call goes on here that began elsewhere: it is no new one, and was paid for.
        caller: identity of who calls, where known.
        calls: how many calls each identity holds here.
        agents: how many agents of this name the server lists in the room.
    """
    if now.draining:
        return Refusal(Reason.DRAINING, "the worker was told to stop")
    if now.trouble is not None:
        return Refusal(Reason.STORAGE, now.trouble)
    if (short := shortage(now, limits)) is not None or resumes:
        return short
    if (over := spent(now, limits)) is not None:
        return over
    if caller is not None and 0 < limits.max_calls_per_identity <= calls.get(caller, 0):
        return Refusal(
            Reason.CALLER, "the caller holds as many calls as fleet.max_calls_per_identity allows on this worker"
        )
    if agents:
        return Refusal(Reason.OCCUPIED, "an agent of this name is in the room")
    return None


def load(now: Situation, limits: Limits) -> float:
    """Return the load to report, 0 to 1.

    It crosses the server's target exactly when the worker is full, so that the server offers calls until then. What
    keeps only new calls out is not in it, for a call that goes on is offered in the same way.
    """
    if now.trouble is not None:
        return 1.0
    short = shortage(now, limits)
    if short is not None and short.reason is not Reason.FULL:
        return 1.0
    return min(1.0, SERVER_TARGET_LOAD * now.sessions / limits.max_sessions)
