"""Where a part's journal goes: it leaves the node while the call runs, and is published and finalised at its end."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TypeVar

from config import Settings
from worker.storage.errors import (
    JournalInUse,
    JournalMissing,
    SessionRemoved,
    StorageError,
    StorageUnavailable,
    StorageUnwritable,
)
from worker.storage.journal.journal import Journal
from worker.storage.journal.journals import journals_in
from worker.storage.sessions.previous import previous_call
from worker.storage.stores.choice import open_store
from worker.storage.stores.store import Store
from worker.storage.storing.finalise import finalise, publish
from worker.storage.storing.leases import Lease
from worker.storage.storing.publishing import StoredTranscript
from worker.storage.storing.reopening import reopen
from worker.storage.storing.shipping import Shipper
from worker.transcript.render import formats

logger = logging.getLogger("verbatim.call")

Result = TypeVar("Result")

STORE_SECONDS = 15.0
"""How long a call may take to store its transcript, before that is left to the worker's sweep."""

LONGEST_PAUSE_SECONDS = 5.0
"""Between two attempts to store what no disk has."""


class Archive:
    """The store's side of one part.

    Args:
        settings: where and in which formats is stored.
        journal: the part's; whoever made it closes it.
        prefix: the session's, in the store.
    """

    def __init__(self, settings: Settings, journal: Journal, prefix: str) -> None:
        self._settings = settings
        self._journal = journal
        self._prefix = prefix
        self._formats = formats(settings.transcript.formats, settings.transcript.caption_line_length)
        self._opened: Store | None = None
        self._shipper: Shipper | None = None
        self._reopening: asyncio.Task[None] | None = None

    def ship(self, job: str, lease: Lease) -> None:
        """Let what the journal takes leave the node, where the store is not on it."""
        if self._settings.storage.bucket is None:
            return
        self._shipper = Shipper(self._store, self._journal.path, job, lease)
        self._journal.copy_to(self._shipper.take)
        self._shipper.start()

    def goes_on(self) -> None:
        """Say in the store that what is there of earlier parts is not all; that it is not said harms nothing."""
        self._reopening = asyncio.create_task(self._reopen())

    async def call_before(self, caller: str) -> str | None:
        """Return the id of the transcript of the caller's last call in a room of this name, if there is one."""
        try:
            return await previous_call(await self._store(), self._prefix, self._settings.agent.name, caller)
        except StorageError as error:
            logger.info("whether the caller had a call before is not known: %s", error)
            return None

    async def publish(self) -> StoredTranscript:
        """Store the transcript of what the journal has by now.

        Raises:
            SessionRemoved: the session was removed; nothing of it is stored.
            StorageUnwritable: the store did not take it, or not in `STORE_SECONDS`.
        """
        return await _within_seconds(self._publish())

    async def conclude(self, trouble: StorageUnwritable | None) -> None:
        """Make the stored transcript final, once the journal is closed.

        Args:
            trouble: what kept `publish` from storing, if anything did.

        Raises:
            StorageUnwritable: that, or what keeps the store from taking it now; a sweep tries again.
        """
        if self._journal.memory():
            # The disk never came back. The store gets everything; a sweep removes what is here, once that can be done.
            await self._publish_at_last()
        elif trouble is not None:
            raise trouble
        else:
            with contextlib.suppress(JournalInUse, JournalMissing):  # a sweep was quicker
                await _within_seconds(self._finalise())

    async def _reopen(self) -> None:
        try:
            await _within_seconds(reopen(self._journal.path, self._prefix, await self._store()))
        except StorageError as error:
            logger.warning("the stored transcript does not say that the call goes on: %s", error)

    async def _publish(self) -> StoredTranscript:
        path = self._journal.path
        if self._reopening is not None:
            await self._reopening
        if self._shipper is not None:
            await self._shipper.stop()
        memory = {path: self._journal.memory()}
        store = await self._store()
        try:
            # What the parts before left here is not in the store yet: a sweep may be a minute away.
            return await publish([path, *await self._parts_before()], store, self._formats, memory)
        except (StorageUnwritable, SessionRemoved):
            raise
        except StorageError:  # of a part before: a sweep was quicker, or it is left to one
            return await publish([path], store, self._formats, memory)

    async def _publish_at_last(self) -> None:
        """Store what this process alone has, however long that takes: when it ends, the words are gone."""
        pause = 0.5
        while True:
            try:
                await self.publish()
                return
            except SessionRemoved:
                return
            except StorageUnwritable as error:
                logger.error("what the disk did not take is not stored yet: %s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _finalise(self) -> None:
        before = await self._parts_before()
        await finalise([self._journal.path], await self._store(), self._formats)
        for journal in before:
            with contextlib.suppress(StorageError):  # it runs still, or a sweep does it
                await finalise([journal], await self._store(), self._formats)

    async def _parts_before(self) -> Sequence[Path]:
        """Return the journals of earlier parts that are on this node."""
        if self._reopening is None:
            return []
        own = self._journal.path
        try:
            return [each for each in await asyncio.to_thread(journals_in, own.parent) if each != own]
        except OSError:
            return []

    async def _store(self) -> Store:
        if self._opened is None:
            self._opened = await asyncio.to_thread(open_store, self._settings.storage)
        return self._opened


async def _within_seconds(storing: Awaitable[Result]) -> Result:
    """Await what is stored, at most `STORE_SECONDS`.

    Raises:
        StorageUnavailable: it took longer.
    """
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await storing
    except TimeoutError:
        raise StorageUnavailable(
            f"the transcript was not stored in {STORE_SECONDS:.0f} s: look at the store and the network to it"
        ) from None
