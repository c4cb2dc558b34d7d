"""Who waits without the agent that was promised, and what is done about it. Pure.

A dispatch is the promise: livekit-server keeps it as long as the room lives, and never acts on it again. It lists a job
where a worker took the call, for ever as running, and none where no worker had room. So what this needs to know
is on the server; a watcher that is started again begins where the last one ended.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from worker import errand
from worker.fleet.presence import Presence

RETRY_S = 4.0
"""How old a dispatch is at least that no worker had room for, before there is another: it may be being answered. Less
than the time between two looks, so that each look at a room offers the call once."""

TOLD_S = 6.0
"""How old a dispatch is at least before it is certain that no worker took it: the server may not tell for 5 s that one
has (livekit-server 1.13.5, `agent/client.go`, `LaunchJob`: first it asks which workers there are, once a minute)."""

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
    RETURNED = "caller_returned"
    """The caller had left, so that the agent did, and is back."""


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
    taken = [each for each in dispatches if each.job is not None]
    last = max(taken, key=lambda each: each.started_s, default=None)
    since_last = now_s - last.started_s if last is not None else math.inf
    if since_last < JOINING_S:
        return Wait()
    newest = max(dispatches, key=lambda each: each.created_s)
    deaths = sum(now_s - each.started_s < WINDOW_S for each in taken)
    unkept = [each.id for each in dispatches if each.job is None]
    metadata = newest.metadata if last is None else _resuming(newest.metadata, last.job)
    if newest.job is None:
        if now_s - newest.created_s < RETRY_S:
            return Wait()
        return Again(Cause.NO_ROOM, metadata, unkept, deaths)
    if deaths >= MOST_DEATHS:
        return Hopeless(deaths)
    if since_last < JOINING_S * deaths:
        return Wait()
    return Again(Cause.LOST, metadata, unkept, deaths)


def follow(job: str, dispatch: str, dispatches: Sequence[Dispatch], now_s: float, *, died: bool) -> Verdict:
    """Return what is to be done for a room in which people wait after `job` is gone, which is known.

    Args:
        job: the one that is gone. The server may list its agent for 20 s more.
        dispatch: the one that brought it. For some seconds the server may list that without its job.
        dispatches: all for its agent's name, in any order. The agent deletes its own when it says goodbye.
        now_s: Unix seconds.
        died: it ended in the middle of its call.
    """
    own = next((each for each in dispatches if dispatch == each.id or each.job == job), None)
    if own is None:
        return _follow_elsewhere(job, dispatches, now_s) if died else Kept()
    for each in dispatches:
        # Sent since, by whoever knew of it earlier, and taken; or it may be on its way.
        if each.created_s > own.created_s and (each.job is not None or now_s - each.created_s < JOINING_S):
            return Kept()
    deaths = sum(each == own or (each.job is not None and now_s - each.started_s < WINDOW_S) for each in dispatches)
    if not died:
        deaths = 0
    if deaths >= MOST_DEATHS:
        return Hopeless(deaths)
    return Again(Cause.LOST if died else Cause.RETURNED, _resuming(own.metadata, job), deaths=deaths)


def _follow_elsewhere(job: str, dispatches: Sequence[Dispatch], now_s: float) -> Verdict:
    """Return what is to be done where the dispatch of a `job` that died is gone.

    A room whose node died is made again on another one when its caller comes back. The server then makes the dispatches
    anew that the caller's token asks for, and offers each once.
    """
    if not dispatches or any(each.job is not None for each in dispatches):
        return Kept()
    newest = max(dispatches, key=lambda each: each.created_s)
    if now_s - newest.created_s < TOLD_S:
        return Wait()
    return Again(Cause.LOST, _resuming(newest.metadata, job), deaths=1)


def _resuming(metadata: str, job: str | None) -> str:
    """Return `metadata` for one that goes on with the call of `job`.

    Its part, and so its identity, stays: where that is the lost one's it drives out what is left of it.
    """
    return errand.write(metadata, errand.read(metadata).model_copy(update={"resume_of": job}))
