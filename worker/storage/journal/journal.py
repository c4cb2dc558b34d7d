"""One part's journal: what was appended is on the disk before anyone who awaits it goes on.

    journal = await Journal.create(directory, transcript_id, job)
    accepted = await journal.append(UserFinal(participant="caller", text="two large pizzas"))
    await journal.settled()
    await journal.close()

An append never raises and never blocks. Where the disk refuses, or does not answer within the append deadline,
the journal is *degraded*: the call goes on, what was appended is reported as not durable and kept in memory, an
alert is raised, and the journal goes on in a successor file as soon as the disk takes one. Memory is bounded by
nothing but the call's length: all lines of three hours are a few MB.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from worker.metrics.definitions import EVENTS_ACCEPTED, JOURNAL_DEGRADED, JOURNAL_SYNC
from worker.storage.disk import Disk
from worker.storage.errors import JournalUnwritable
from worker.storage.journal.file import JournalFile, Vanished
from worker.storage.journal.succession import Succession
from worker.storage.names import journal_path
from worker.storage.opening import opened
from worker.transcript.events import ErrorRaised, Event, Gap
from worker.transcript.line import encode, link

APPEND_DEADLINE_MS = 1000
RETRY_S = 5.0
"""Between attempts to make a degraded journal durable again. Source: DESIGN 1, promise 1."""
CREATE_DEADLINE_S = 10.0
CLOSE_DEADLINE_S = 5.0

log = logging.getLogger(__name__)
alert = logging.getLogger("verbatim.alert")


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
    line: bytes
    answers: list[asyncio.Future[Accepted]]


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why and since when what is appended is not durable."""

    since_ms: int
    reason: str

    def gap(self, to_ms: int | None) -> Gap:
        # Readers let a gap replace an earlier one of the same beginning and reason: first open, then closed.
        return Gap(from_ms=self.since_ms, to_ms=to_ms, reason=f"not durable: {self.reason}")


class Journal:
    """An append-only record of events, held under a lock while its job lives. For one event loop's thread."""

    def __init__(self, path: Path, first: JournalFile, disk: Disk, append_deadline_ms: int, retry_s: float) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._began = time.monotonic()
        self._append_deadline_s = append_deadline_ms / 1000
        self._retry_s = retry_s
        self._seq = 0
        self._h = ""
        self._lost: bytes = b""
        self._waiting: deque[_Waiting] = deque()
        self._watchdog: asyncio.TimerHandle | None = None
        self._trouble: _Trouble | None = None
        self._proof: int | None = None
        self._no_proof_before = 0.0
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._copy: Callable[[bytes], None] | None = None
        self._files = Succession(first, path, disk, self._synced, self._failed)

    @classmethod
    async def create(
        cls,
        journal_dir: Path,
        transcript_id: str,
        job_id: str,
        *,
        append_deadline_ms: int = APPEND_DEADLINE_MS,
        retry_s: float = RETRY_S,
        disk: Disk | None = None,
    ) -> Journal:
        """Begin the journal of one job; its directories are 0700, the file 0600, all names synced.

        Args:
            journal_dir: where all journals of this node are.
            transcript_id: the room session's and agent's.
            job_id: the part's job. A job has one journal, once.
            append_deadline_ms: how long an append may wait for the disk.
            retry_s: time between attempts to go on in a successor file.
            disk: the file system, when not the machine's own.

        Raises:
            JournalUnwritable: with the reason and the remedy.
        """
        disk = disk or Disk()
        path = journal_path(journal_dir, transcript_id, job_id)
        try:
            async with asyncio.timeout(CREATE_DEADLINE_S):
                first = await opened(partial(JournalFile.create, path, disk), JournalFile.close)
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
        return cls(path, first, disk, append_deadline_ms, retry_s)

    @property
    def path(self) -> Path:
        """The first file, by which the journal is named."""
        return self._path

    @property
    def degraded(self) -> str | None:
        """Why appends are not durable now, as a sentence, or `None`."""
        if self._trouble is None or self._proof is not None:
            return None
        return f"the journal is not durable: {self._trouble.reason}"

    def copy_to(self, take: Callable[[bytes], None]) -> None:
        """Give every line that is appended from now on to `take` too, in its order. It must return at once."""
        self._copy = take

    def clock(self) -> int:
        """Return the milliseconds since the part began; it never goes back."""
        return int((time.monotonic() - self._began) * 1000)

    def append(self, event: Event) -> asyncio.Future[Accepted]:
        """Write `event` after all before it; the future resolves when it is synced, or cannot be in time.

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
        waiting = _Waiting(seq, ms, self._loop.time() + self._append_deadline_s, line, [answer])
        self._waiting.append(waiting)
        self._files.write(line)
        if self._copy is not None:
            self._copy(line)
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

    def memory(self) -> bytes:
        """Return the lines that are not known to be on the disk, in order: one more file, to whoever joins files."""
        return b"".join(self._unsynced())

    async def close(self) -> None:
        """Write what waits and free the lock; at most 5 s. Appends that come later are lost, with an error.

        What no file has by then is tried once more with a new one, and is in `memory()` if that fails too. A thread
        that hangs in the disk keeps its file and lock.
        """
        self._closed = True
        until = self._loop.time() + CLOSE_DEADLINE_S
        await self._finished(until)
        if not self._files.writing and self._first_unsynced < self._seq:
            self._try_successor()
            await self._finished(until)
        await asyncio.to_thread(self._files.close, max(0.0, until - self._loop.time()))
        for timer in (self._watchdog, self._retry):
            if timer is not None:
                timer.cancel()
        for waiting in self._waiting:
            _answer(waiting, durable=False)

    async def _finished(self, until: float) -> None:
        self._files.end()
        await asyncio.to_thread(self._files.join, max(0.0, until - self._loop.time()))

    def _unsynced(self) -> Iterator[bytes]:
        if self._lost:
            yield self._lost
        for waiting in self._waiting:
            yield waiting.line

    @property
    def _first_unsynced(self) -> int:
        if self._lost:
            return 0
        return self._waiting[0].seq if self._waiting else self._seq

    @property
    def _overdue(self) -> bool:
        """Whether something has waited for the disk for longer than an append may."""
        if self._lost:
            return True
        return bool(self._waiting) and self._waiting[0].overdue_at <= self._loop.time()

    def _synced(self, seq: int) -> None:
        """Take the report that all lines below number `seq` are on the disk."""
        self._lost = b""
        appended_before = self._loop.time() + self._append_deadline_s
        while self._waiting and self._waiting[0].seq < seq:
            waiting = self._waiting.popleft()
            _answer(waiting, durable=True)
            JOURNAL_SYNC.observe(appended_before - waiting.overdue_at)
            EVENTS_ACCEPTED.count()
        if self._proof is not None and self._proof < seq:
            self._trouble = self._proof = None
            log.warning("journal %s is durable again", self._path)
        else:
            self._prove()

    def _failed(self, error: OSError) -> None:
        """Take the report that a file, or an attempt at another one, has failed."""
        if isinstance(error, Vanished):
            self._lost = b"".join(error.rescued[: self._waiting[0].seq if self._waiting else self._seq])
            self._degrade(f"{error.strerror}")
            self._try_successor()
        else:
            self._degrade(f"the disk refuses it ({error.strerror})")

    def _watch(self) -> None:
        """Look whether the oldest append is overdue, and come back when the next one would be."""
        self._watchdog = None
        if not self._waiting or self.degraded:
            return
        if self._overdue:
            self._degrade("the disk was too slow")
        else:
            self._watchdog = self._loop.call_at(self._waiting[0].overdue_at, self._watch)

    def _degrade(self, reason: str) -> None:
        """Let nobody wait for the disk any more, tell everyone why, and see to it that this ends."""
        if self.degraded:
            log.info("journal %s: no successor yet: %s", self._path, reason)
            return
        again = self._trouble is not None
        if not again:
            self._trouble = _Trouble(self._waiting[0].ms if self._waiting else self.clock(), reason)
            JOURNAL_DEGRADED.count()
            alert.error(
                "the journal is not durable: %s; the call goes on in memory: see to the disk under %s",
                reason,
                self._path.parent,
                extra={"alert": "journal_not_durable", "journal": str(self._path), "reason": reason},
            )
        self._proof = None
        self._no_proof_before = self._loop.time() + (self._retry_s if again else 0)
        for waiting in self._waiting:
            _answer(waiting, durable=False)
        if self._closed:
            return
        if not again:
            sentence = f"the journal is not durable ({reason}); the call goes on in memory: see to the disk"
            self.append(ErrorRaised(code="journal_not_durable", source="storage", message=sentence))
        assert self._trouble is not None
        self.append(self._trouble.gap(to_ms=None))
        self._mend()

    def _mend(self) -> None:
        """Make a degraded journal durable again if that is possible now, and come back if not."""
        if self._retry is not None:
            self._retry.cancel()
        self._prove()
        if self._closed or not self.degraded:
            return
        if not self._files.writing or self._overdue:
            self._try_successor()
        self._retry = self._loop.call_later(self._retry_s, self._mend)

    def _try_successor(self) -> None:
        self._files.try_successor(self._unsynced(), self._first_unsynced)

    def _prove(self) -> None:
        """End the time that was not durable, if the disk has kept up.

        The gap's end is the proof: from here on appends wait for the disk again, and only when this one is synced
        in time the journal is durable. On a disk that is always too slow this happens once in `retry_s`.
        """
        if self._trouble is None or self._proof is not None or self._closed or not self._files.writing:
            return
        if self._overdue or self._loop.time() < self._no_proof_before:
            return
        self._proof = self._seq
        self.append(self._trouble.gap(to_ms=self.clock()))


def _answer(waiting: _Waiting, durable: bool) -> None:
    for answer in waiting.answers:
        if not answer.done():
            answer.set_result(Accepted(waiting.seq, durable))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
