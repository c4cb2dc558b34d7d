"""How a worker and its watcher are now, for the gauges of `/metrics`."""

from collections.abc import Iterator
from importlib.metadata import version

from worker.fleet.admission import Situation
from worker.fleet.exposition import Reading
from worker.fleet.health import Condition, readiness
from worker.fleet.watcher import Round
from worker.metrics import definitions as metrics


def of_worker(condition: Condition, now: Situation, load: float) -> Iterator[Reading]:
    """Yield a worker's gauges.

    Args:
        condition: what its health is made from.
        now: what its admission is made from.
        load: as it is reported.
    """
    yield Reading(metrics.BUILD, 1, (version("verbatim"), version("livekit-agents")))
    yield Reading(metrics.READY, readiness(condition).ready)
    yield Reading(metrics.CONNECTED, condition.connected)
    yield Reading(metrics.DRAINING, condition.draining)
    yield Reading(metrics.SESSIONS_RUNNING, condition.sessions)
    yield Reading(metrics.SESSIONS_MAX, condition.max_sessions)
    yield Reading(metrics.LOAD, load)
    yield Reading(metrics.LOOP_LAG, now.loop_lag_ms / 1000)
    if now.memory is not None:
        yield Reading(metrics.MEMORY_USED, now.memory.used)
        yield Reading(metrics.MEMORY_LIMIT, now.memory.limit)
    spool = condition.spool
    yield Reading(metrics.JOURNALS, spool.journals)
    yield Reading(metrics.SPOOL, spool.size)
    yield Reading(metrics.SPOOL_MAX, spool.max_size)
    yield Reading(metrics.SPOOL_OLDEST, spool.oldest_s)
    yield Reading(metrics.JOURNALS_WRITABLE, condition.trouble is None)
    yield Reading(metrics.STORE_AVAILABLE, condition.store_trouble is None)


def of_watcher(found: Round | None) -> Iterator[Reading]:
    """Yield a watcher's gauges, from what its last look found; none before the first."""
    if found is not None:
        yield Reading(metrics.ROOMS, found.rooms)
        yield Reading(metrics.WAITING, len(found.waiting))
        yield Reading(metrics.HOPELESS, len(found.hopeless))
