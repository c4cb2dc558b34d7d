"""What came before the part that a job begins: nothing, in most rooms."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from config import Settings
from worker.errand import Errand
from worker.session.resuming.memory import Memory, remember
from worker.session.resuming.resumption import goes_on
from worker.storage.sessions.earlier import earlier_parts
from worker.storage.stores.choice import open_store
from worker.transcript.errors import ReplayError
from worker.transcript.events import PartStarted
from worker.transcript.reading import Reading

logger = logging.getLogger("verbatim.call")

NEW_ROOM = timedelta(seconds=5)
"""A room of this age has had no other agent, unless the dispatch says so: the store is not asked."""


@dataclass(frozen=True, slots=True)
class Before:
    """What the beginning part has to know.

    Attributes:
        part: its number in the room session.
        memory: of the call that it goes on with; `None` where it begins a new conversation.
        resumed_from: job of the part before it, where it goes on with that one's call.
    """

    part: int = 1
    memory: Memory | None = None
    resumed_from: str | None = None


async def look_back(
    settings: Settings, transcript_id: str, prefix: str, room_created: datetime, sent_for: Errand, *, but: str = ""
) -> Before:
    """Return what the journals and the store tell of a room session's earlier parts; never raises for what they hold.

    Args:
        settings: where journals and transcripts are.
        transcript_id: the session's and agent's.
        prefix: the key under which the session is stored.
        room_created: when the room was opened.
        sent_for: what the dispatch says.
        but: the job that asks, where it has a journal already.
    """
    now = datetime.now(UTC)
    worth_asking = sent_for.resume_of is not None or now - room_created > NEW_ROOM
    open_it = partial(asyncio.to_thread, open_store, settings.storage) if worth_asking else None
    parts = await earlier_parts(settings.storage.journal_dir, transcript_id, prefix, open_it)
    memory = _remembered([each for each in parts if _job_of(each) != but])
    if memory is None:
        if sent_for.resume_of is None:
            return Before(sent_for.part)
        logger.error("nothing is known of the call that goes on here: its node and what it had written are lost")
        # The number says that a part is missing.
        return Before(sent_for.part + 1, resumed_from=sent_for.resume_of)
    if goes_on(memory, now, settings.fleet.rejoin_grace):
        return Before(memory.next_part, memory, memory.job)
    return Before(memory.next_part)


def _job_of(part: Reading) -> str:
    started = part.records[0].event if part.records else None
    return started.job if isinstance(started, PartStarted) else ""


def _remembered(readings: Sequence[Reading]) -> Memory | None:
    try:
        return remember(readings)
    except ReplayError as error:
        logger.error("what came before in this room cannot be read: %s", error)
        return None
