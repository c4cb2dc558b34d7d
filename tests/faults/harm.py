"""The ways in which a call's process dies, or is told to end: the kinds of the kill matrix."""

from enum import StrEnum


class Harm(StrEnum):
    """What happens in the middle of a conversation."""

    KILL_JOB = "SIGKILL the job"
    KILL_WORKER = "SIGKILL the worker"
    TERMINATE_GROUP = "SIGTERM the process group"
    OS_EXIT = "os._exit in the agent"
    MEMORY_LIMIT = "memory limit"
    LOOP_BLOCKED = "event loop blocked"
    SECOND_SIGTERM = "second SIGTERM"
    SYS_EXIT = "sys.exit in the entry"


TOLD: dict[Harm, str] = {
    Harm.OS_EXIT: "exit at once",
    Harm.SYS_EXIT: "exit",
    Harm.MEMORY_LIMIT: "hoard",
    Harm.LOOP_BLOCKED: "block",
}
"""Harms that the agent does to itself, and what it is told (`fragile_agent`)."""

ONE_CALL = (Harm.KILL_JOB, *TOLD)
"""Harms that end one call and leave the worker alive."""

WHOLE_WORKER = (Harm.KILL_WORKER, Harm.TERMINATE_GROUP, Harm.SECOND_SIGTERM)
"""Harms after which a worker has to be started again, as a platform does."""

JOB_MEMORY_LIMIT_MB = 500

DEAD_WITHIN_S: dict[Harm, float] = {Harm.MEMORY_LIMIT: 30.0, Harm.LOOP_BLOCKED: 100.0}
"""How long the framework may take to end a process: memory is looked at every 5 s, and a process that does not
answer is killed after 60 s (livekit-agents 1.8.9, `ipc/supervised_proc.py` and `ipc/proc_pool.py`)."""

DEAD_AT_ONCE_S = 20.0
