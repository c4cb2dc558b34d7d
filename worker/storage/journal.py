"""One part's journal: what was appended is on the disk before anyone who awaits it goes on.

    journal = await Journal.create(directory, transcript_id, job)
    accepted = await journal.append(UserFinal(participant="caller", text="two large pizzas"))
    await journal.settled()
    await journal.close()

An append never raises and never blocks. Where the disk refuses, or does not answer within the append deadline,
the journal is *degraded*: the call goes on, and what was appended is reported as not durable.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from worker.storage.disk import Disk
from worker.storage.errors import JournalUnwritable
from worker.storage.lock import lock_new
from worker.storage.names import journal_path
from worker.storage.opening import opened
from worker.storage.writer import Writer
from worker.transcript.events import Event, Gap
from worker.transcript.line import encode, link

APPEND_DEADLINE_MS = 1000
CREATE_DEADLINE_S = 10.0
CLOSE_DEADLINE_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The journal's answer to an append."""

    seq: int
    durable: bool
    """On the disk, synced. False: in memory at best, and the journal is degraded."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    seq: int
    ms: int
    overdue_at: float
    answers: list[asyncio.Future[Accepted]]


class Journal:
    """An append-only file of events, held under a lock while its job lives. For one event loop's thread."""

    def __init__(self, path: Path, descriptor: int, disk: Disk, append_deadline_ms: int) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._began = time.monotonic()
        self._append_deadline_s = append_deadline_ms / 1000
        self._seq = 0
        self._h = ""
        self._waiting: deque[_Waiting] = deque()
        self._watchdog: asyncio.TimerHandle | None = None
        self._late_since: int | None = None
        self._failure: str | None = None
        self._closed = False
        self._writer = Writer(descriptor, disk, self._loop, self._written)

    @classmethod
    async def create(
        cls,
        journal_dir: Path,
        transcript_id: str,
        job_id: str,
        *,
        append_deadline_ms: int = APPEND_DEADLINE_MS,
        disk: Disk | None = None,
    ) -> Journal:
        """Begin the journal of one job; its directories are 0700, the file 0600, all names synced.

        Args:
            journal_dir: where all journals of this node are.
            transcript_id: the room session's and agent's.
            job_id: the part's job. A job has one journal, once.
            append_deadline_ms: how long an append may wait for the disk.
            disk: the file system, when not the machine's own.

        Raises:
            JournalUnwritable: with the reason and the remedy.
        """
        disk = disk or Disk()
        path = journal_path(journal_dir, transcript_id, job_id)
        try:
            async with asyncio.timeout(CREATE_DEADLINE_S):
                descriptor = await opened(partial(_begin, path, disk))
        except TimeoutError:
            raise JournalUnwritable(
                f"the disk under {path} did not answer within {CREATE_DEADLINE_S:.0f} s: "
                "give storage.journal_dir a disk that works"
            ) from None
        except FileExistsError:
            raise JournalUnwritable(f"{path} exists already: a job has one journal, once") from None
        except OSError as error:
            raise JournalUnwritable(
                f"{path} cannot be written ({error.strerror}): "
                "give storage.journal_dir a directory that this user may write"
            ) from None
        return cls(path, descriptor, disk, append_deadline_ms)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def degraded(self) -> str | None:
        """Why appends are not durable now, as a sentence, or `None`."""
        if self._failure is not None:
            return self._failure
        if self._late_since is not None:
            return "the disk has not answered within the append deadline"
        return None

    def clock(self) -> int:
        """Return the milliseconds since the part began; it never goes back."""
        return int((time.monotonic() - self._began) * 1000)

    def append(self, event: Event) -> asyncio.Future[Accepted]:
        """Write `event` after all before it; the future resolves when it is synced, or when that failed.

        The order and the times are those of the calls. Whoever does not need the answer need not await it.
        """
        answer: asyncio.Future[Accepted] = self._loop.create_future()
        seq, ms = self._seq, self.clock()
        if self._closed:
            log.error("journal %s is closed: an event of kind %s came too late", self._path, event.kind)
            answer.set_result(Accepted(seq, durable=False))
            return answer
        line = encode(seq, _now(), ms, event, self._h)
        self._seq, self._h = seq + 1, link(line)
        waiting = _Waiting(seq, ms, self._loop.time() + self._append_deadline_s, [answer])
        self._waiting.append(waiting)
        self._writer.write(line)
        if self.degraded:
            _answer(waiting, durable=False)
        elif self._watchdog is None:
            self._watchdog = self._loop.call_later(self._append_deadline_s, self._watch)
        return answer

    async def settled(self, deadline_ms: int | None = None) -> bool:
        """Wait until everything appended so far is on the disk, and say whether it is.

        Waits no longer than the append deadline, or `deadline_ms` where that is shorter.
        """
        if not self._waiting or self.degraded:
            return not self.degraded
        answer: asyncio.Future[Accepted] = self._loop.create_future()
        self._waiting[-1].answers.append(answer)
        try:
            async with asyncio.timeout(None if deadline_ms is None else deadline_ms / 1000):
                return (await answer).durable
        except TimeoutError:
            return False

    async def close(self) -> None:
        """Write what waits and free the lock; at most 5 s. Appends that come later are lost, with an error."""
        if not self._closed:
            self._closed = True
            self._writer.end()
        await asyncio.to_thread(self._writer.join, CLOSE_DEADLINE_S)
        if self._watchdog is not None:
            self._watchdog.cancel()
        while self._waiting:
            _answer(self._waiting.popleft(), durable=False)

    def _written(self, count: int, error: OSError | None) -> None:
        """Take the writer's report on the oldest `count` lines."""
        if error is not None and self._failure is None:
            self._failure = f"the journal cannot be written ({error.strerror})"
            log.error("journal %s is degraded: %s", self._path, self._failure)
        for _ in range(min(count, len(self._waiting))):
            _answer(self._waiting.popleft(), durable=error is None)
        if self._late_since is not None and not self._waiting and error is None:
            self._caught_up(self._late_since)

    def _watch(self) -> None:
        """Look whether the oldest append is overdue, and come back when the next one would be."""
        self._watchdog = None
        if not self._waiting or self.degraded:
            return
        remaining = self._waiting[0].overdue_at - self._loop.time()
        if remaining > 0:
            self._watchdog = self._loop.call_later(remaining, self._watch)
            return
        self._late_since = self._waiting[0].ms
        log.error("journal %s is degraded: %s", self._path, self.degraded)
        for waiting in self._waiting:
            _answer(waiting, durable=False)

    def _caught_up(self, late_since: int) -> None:
        """Go on as before: a disk that was slow has everything now, and the transcript says that it was."""
        self._late_since = None
        log.warning("journal %s is durable again", self._path)
        if not self._closed:
            self.append(Gap(from_ms=late_since, to_ms=self.clock(), reason="not durable: the disk was too slow"))


def _answer(waiting: _Waiting, durable: bool) -> None:
    for answer in waiting.answers:
        if not answer.done():
            answer.set_result(Accepted(waiting.seq, durable))


def _begin(path: Path, disk: Disk) -> int:
    """Create the file, locked, and sync its name; return the descriptor. Blocks."""
    while True:
        descriptor = disk.create(path)
        try:
            if lock_new(descriptor, path):
                disk.sync_directory(path.parent)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
