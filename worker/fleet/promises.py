"""Who waits without the agent that was promised, and what is done about it. Pure.

A dispatch is the promise: livekit-server keeps it as long as the room lives, and never acts on it again. It lists a job
where a worker took the call, for ever as running, and none where no worker had room. So what this needs to know
is on the server; a watcher that is started again begins where the last one ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from worker import errand
from worker.presence import Presence

RETRY_S = 5.0
"""Between two dispatches for a call that no worker had room for."""

JOINING_S = 20.0
"""How long an agent may take into the room once a worker took the call: a process for it may have to start first."""

WINDOW_S = 300.0
MOST_DEATHS = 3
"""Jobs that began in the last `WINDOW_S` and are gone: after so many, another one would only die as well."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a list of rooms says of one: the first leaves agents out, the second counts them."""

    participants: int
    publishers: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One promise.

    Attributes:
        id: the server's.
        created_s: when it was made, in Unix seconds.
        metadata: the operator's, and what the worker is to know.
        job: the newest job that a worker took for it, or `None`.
        started_s: when that was, in Unix seconds.
    """

    id: str
    created_s: float
    metadata: str = ""
    job: str | None = None
    started_s: float = 0.0


class Cause(StrEnum):
    """Why somebody waits."""

    NO_ROOM = "no_room"
    """No worker took the call."""
    LOST = "agent_lost"
    """The agent was there, or on its way, and is not."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Nobody waits; there is nothing to see before the room changes."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody waits, and the agent may be on its way, or another attempt would come too early."""


@dataclass(frozen=True, slots=True)
class Again:
    """An agent is to be dispatched, with `metadata`; then the dispatches that came to nothing are deleted."""

    cause: Cause
    metadata: str
    replaced: Sequence[str] = ()
    deaths: int = 0


@dataclass(frozen=True, slots=True)
class Hopeless:
    """Somebody waits, and so many agents have died that no more are sent for the moment."""

    deaths: int


Verdict = Kept | Wait | Again | Hopeless


def is_worth_a_look(before: Counts | None, now: Counts) -> bool:
    """Return whether a room may need an agent: it changed, or no more publish than there are people.

    Counts lag behind by up to 5 s, so that a room without anybody may have somebody.
    """
    return before != now or now.publishers <= now.participants


def judge(present: Presence, dispatches: Sequence[Dispatch], now_s: float) -> Verdict:
    """Return what is to be done for one room.

    Args:
        present: the people in it, and its agents of our name.
        dispatches: all for that name, in any order. The agent deletes its own when it says goodbye.
        now_s: Unix seconds.
    """
    if present.agents or not present.people or not dispatches:
        return Kept()
    started = [each.started_s for each in dispatches if each.job is not None]
    since_last = now_s - max(started, default=float("-inf"))
    if since_last < JOINING_S:
        return Wait()
    newest = max(dispatches, key=lambda each: each.created_s)
    deaths = sum(now_s - each < WINDOW_S for each in started)
    unkept = [each.id for each in dispatches if each.job is None]
    if newest.job is None:
        if now_s - newest.created_s < RETRY_S:
            return Wait()
        return Again(Cause.NO_ROOM, newest.metadata, unkept, deaths)
    if deaths >= MOST_DEATHS:
        return Hopeless(deaths)
    if since_last < JOINING_S * deaths:
        return Wait()
    return Again(Cause.LOST, _successor(newest), unkept, deaths)


def _successor(dispatch: Dispatch) -> str:
    """Return the metadata for one that comes back: as the lost one, and with its identity, which drives that out."""
    return errand.write(
        dispatch.metadata, errand.read(dispatch.metadata).model_copy(update={"resume_of": dispatch.job})
    )
