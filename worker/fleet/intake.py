"""Takes calls or leaves them to other workers, by what `worker.fleet.admission` says of what is measured here."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress

from livekit.agents import JobRequest

from config import Settings
from worker import errand
from worker.errors import Refusal as Refused
from worker.fleet import resources
from worker.fleet.admission import (
    CALL_BYTES,
    Limits,
    Memory,
    Reason,
    Refusal,
    Situation,
    default_max_sessions,
    load,
    refusal,
    shortage,
    spent,
)
from worker.fleet.budget import DailyBudget
from worker.fleet.loop_lag import LoopLag
from worker.fleet.presence import Presence, who_is_in, who_is_served_in
from worker.livekit_api import livekit_api
from worker.metrics.definitions import CALLS_REFUSED

logger = logging.getLogger("verbatim.worker")
alert = logging.getLogger("verbatim.alert")

ALERTS = {Reason.BUDGET: "daily_budget_spent", Reason.CALLER: "too_many_calls_of_one_identity"}
"""What an operator is told of, by the reason of a refusal; each comes once, and once more when it is over."""

ROOM_SECONDS = 2.0
"""How long the server may take to say who is in a room. It waits 3 for the answer to a call that it offers
(livekit-server 1.13.5, the deadline of a request in livekit/psrpc)."""

AGENT_SECONDS = 1.0
"""How long it may take to say that an agent is connected with it."""

NEW_ROOM_SECONDS = 5.0
"""A room of this age has had no agent yet."""

COUNT_SECONDS = 1.0
MEASURE_SECONDS = 5.0
SAVE_SECONDS = 30.0
"""Between two counts of minutes, two looks at the memory, and two writes of the minutes."""


class Intake:
    """Admission of one worker. Measures from `run` until that is cancelled."""

    def __init__(
        self,
        settings: Settings,
        jobs: Callable[[], Collection[str]],
        trouble: Callable[[], str | None],
        draining: Callable[[], bool],
    ) -> None:
        """Begin with no calls.

        Args:
            settings: what is allowed, and where the server is.
            jobs: ids of the jobs that run now.
            trouble: why a call could not be written down now, or `None`.
            draining: whether the worker was told to stop.
        """
        fleet = settings.fleet
        self._settings = settings
        self._jobs = jobs
        self._trouble = trouble
        self._draining = draining
        self._memory: Memory | None = resources.memory()
        self._call_bytes = CALL_BYTES
        self._loop_lag = LoopLag()
        self._budget = DailyBudget(settings.storage.journal_dir) if fleet.daily_budget else None
        self._limits = Limits(
            max_sessions=fleet.max_sessions or default_max_sessions(resources.cores(), self._memory.limit),
            max_memory_percent=fleet.max_memory_percent,
            max_loop_lag_ms=fleet.max_loop_lag_ms,
            daily_budget_minutes=fleet.daily_budget,
            max_calls_per_identity=fleet.max_calls_per_identity,
        )
        self._reserved: set[str] = set()
        self._callers: dict[str, str] = {}
        self._refused: Counter[Reason] = Counter()
        self._alerted: set[Reason] = set()

    @property
    def max_sessions(self) -> int:
        """Calls that may run at once."""
        return self._limits.max_sessions

    @property
    def sessions(self) -> int:
        """Calls that run now, and those that are being accepted."""
        # A call that was just accepted is among the jobs before its reservation ends.
        return len(self._reserved.union(self._jobs()))

    @property
    def load(self) -> float:
        """What is reported to the server."""
        return load(self.situation(), self._limits)

    @property
    def crowded(self) -> str | None:
        """Why no call is taken now though the worker is well, as a sentence, or `None`."""
        now = self.situation()
        found = shortage(now, self._limits) or spent(now, self._limits)
        return found.sentence if found is not None else None

    def told(self) -> Mapping[str, object]:
        """Return the figures for `/worker`."""
        now = self.situation()
        return {
            "load": round(load(now, self._limits), 4),
            "refused": {reason.value: count for reason, count in sorted(self._refused.items())},
            "loop_lag_ms": round(now.loop_lag_ms, 1),
            "memory": {"used": now.memory.used, "limit": now.memory.limit} if now.memory is not None else None,
            "budget": (
                {"minutes": round(now.minutes_today, 1), "daily_budget": self._limits.daily_budget_minutes}
                if self._budget is not None
                else None
            ),
        }

    async def answer(self, request: JobRequest) -> None:
        """Accept the call, or leave it to another worker; while it is being accepted its place is held."""
        sent_for = errand.read(request.job.metadata)
        resumes = sent_for.resume_of is not None
        if (found := refusal(self.situation(), self._limits, resumes=resumes)) is not None:
            await self._refuse(request, found)
            return
        # No await since the check: two requests cannot both take the last place.
        self._reserved.add(request.id)
        try:
            part = sent_for.part
            if not resumes:
                room = await self._present(request, sent_for.identity)
                if (found := self._refusal(request, sent_for.identity, room)) is not None:
                    await self._refuse(request, found)
                    return
                part = max((part, *self._parts(room)))
            await request.accept(identity=errand.agent_identity(self._settings.agent.name, part))
        finally:
            self._reserved.discard(request.id)

    def _refusal(self, request: JobRequest, caller: str | None, room: Presence) -> Refusal | None:
        """Return why a new call is not for this worker, by who is in its room, or `None`."""
        if caller is None and len(room.people) == 1:
            caller = room.people[0]
        calls = Counter(self._calls().values())
        # The place is held already, so that without it there is room for this call.
        now = self.situation(but=request.id)
        agents = len(room.agents) if request.room.num_publishers > 0 else 0
        found = refusal(now, self._limits, caller=caller, calls=calls, agents=agents)
        if found is None and self._limits.max_calls_per_identity > 0 and caller is not None:
            self._callers[request.id] = caller
        return found

    def _parts(self, room: Presence) -> Iterator[int]:
        """Yield the parts of agents that are listed in a room where nobody publishes.

        A room whose node died is made again on another one, empty, and its promise with it, which knows of no part.
        Meanwhile an agent that lives may be on its way there. With its identity, only one of the two stays.
        """
        for each in room.agents:
            if (part := errand.part_of(self._settings.agent.name, each)) is not None:
                yield part

    async def _present(self, request: JobRequest, caller: str | None) -> Presence:
        """Ask who is in the room of a call that is offered, if that matters."""
        room, agent = request.room, self._settings.agent.name
        limited = self._limits.max_calls_per_identity > 0
        # A server that does not say it now keeps nobody from a call.
        with suppress(Refused):
            async with livekit_api(self._settings, ROOM_SECONDS) as server:
                # An agent that is there is counted among the publishers; a room that was just made has none.
                if room.num_publishers > 0:
                    return await who_is_served_in(room, server, agent, AGENT_SECONDS)
                if (limited and caller is None) or time.time() - room.creation_time > NEW_ROOM_SECONDS:
                    return await who_is_in(room.name, server, agent)
        return Presence()

    async def _refuse(self, request: JobRequest, found: Refusal) -> None:
        self._refused[found.reason] += 1
        CALLS_REFUSED.count(reason=found.reason.value)
        fields = {"reason": found.reason.value, "room": request.room.name}
        logger.info("call refused: %s", found.sentence, extra=fields)
        if (name := ALERTS.get(found.reason)) is not None and found.reason not in self._alerted:
            self._alerted.add(found.reason)
            alert.error("calls are refused: %s", found.sentence, extra={"alert": name, "room": request.room.name})
        await request.reject(terminate=False)  # another worker may take it

    def _calls(self) -> Mapping[str, str]:
        """Return who holds which of the calls that run here, where known."""
        running = self._reserved.union(self._jobs())
        self._callers = {job: caller for job, caller in self._callers.items() if job in running}
        return self._callers

    def situation(self, but: str | None = None) -> Situation:
        """Return how the worker is now, by what was last measured, without the call of the job `but`."""
        return Situation(
            sessions=len(self._reserved.union(self._jobs()) - {but}),
            draining=self._draining(),
            trouble=self._trouble(),
            memory=self._memory,
            call_bytes=self._call_bytes,
            loop_lag_ms=self._loop_lag.ms,
            minutes_today=self._budget.minutes if self._budget is not None else 0.0,
        )

    async def run(self) -> None:
        """Measure, and count minutes, until cancelled."""
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self._loop_lag.run())
                duties.create_task(self._measuring())
                duties.create_task(self._counting())
                if self._budget is not None:
                    duties.create_task(_saving(self._budget))
        finally:
            if self._budget is not None:
                await self._budget.save()

    async def _measuring(self) -> None:
        while True:
            self._memory = await asyncio.to_thread(resources.memory)
            self._call_bytes = await asyncio.to_thread(resources.call_bytes, self.sessions)
            await asyncio.sleep(MEASURE_SECONDS)

    async def _counting(self) -> None:
        counted = time.monotonic()
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            before, counted = counted, time.monotonic()
            if self._budget is not None:
                self._budget.spend((counted - before) * self.sessions)
            self._end_alerts()

    def _end_alerts(self) -> None:
        over = set[Reason]()
        if spent(self.situation(), self._limits) is None:
            over.add(Reason.BUDGET)
        if not any(count >= self._limits.max_calls_per_identity for count in Counter(self._calls().values()).values()):
            over.add(Reason.CALLER)
        for reason in self._alerted & over:
            self._alerted.discard(reason)
            alert.warning("calls are taken again", extra={"alert": ALERTS[reason], "over": True})


async def _saving(budget: DailyBudget) -> None:
    while True:
        await budget.save()
        await asyncio.sleep(SAVE_SECONDS)
