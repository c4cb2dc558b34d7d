"""What is under way at one moment: journals on this node, and parts on any that have a lease."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from worker.storage.concurrency import in_order
from worker.storage.errors import LeaseNotTrusted
from worker.storage.journal.here import Here, look_here
from worker.storage.sessions.session import Leased, Session, State
from worker.storage.stores.store import Store
from worker.storage.storing.leases import OpenPart, open_parts, read_lease


@dataclass(frozen=True, slots=True)
class Now:
    """What is under way at one moment."""

    here: Here
    leased: Mapping[str, Sequence[Leased]] = field(default_factory=dict)
    """By the key under which the session is stored."""

    @property
    def prefixes(self) -> set[str]:
        """The keys of all sessions that are under way."""
        return {*self.here.told, *self.leased}

    def journals_of(self, prefix: str) -> tuple[Path, ...]:
        """Return every journal here of a session, also those that cannot be read."""
        beside = [
            journal
            for directory, journals in self.here.journals.items()
            for journal in journals
            if directory.name == directory_of(prefix) and directory in self.here.troubles
        ]
        return tuple(sorted({*self.here.told.get(prefix, ()), *beside}))

    @property
    def troubled(self) -> set[str]:
        """The names of the directories here in which a journal cannot be read."""
        return {directory.name for directory, troubles in self.here.troubles.items() if troubles}

    def nowhere(self, seen: Collection[str]) -> Sequence[Session]:
        """Return what is left of sessions of which nothing says where they belong.

        Args:
            seen: names of directories whose session is known otherwise.
        """
        placed = {journal.parent for journals in self.here.told.values() for journal in journals}
        return [
            Session(
                transcript_id=unquote(directory.name),
                state=State.DAMAGED,
                journals=tuple(self.here.journals.get(directory, ())),
                trouble=" ".join(troubles),
            )
            for directory, troubles in self.here.troubles.items()
            if troubles and directory not in placed and directory.name not in seen
        ]


async def look_around(store: Store, journal_dir: Path) -> Now:
    """Return what is under way.

    Raises:
        JournalUnreadable: `journal_dir` cannot be listed.
        StorageUnwritable: the leases cannot be read.
    """
    here = await look_here(journal_dir)
    parts, _ = await open_parts(store)

    async def of(part: OpenPart) -> Leased | None:
        with suppress(LeaseNotTrusted):  # a sweep's business
            if (lease := await read_lease(store, part)) is not None:
                return Leased(part, lease)
        return None

    leased: dict[str, list[Leased]] = defaultdict(list)
    async for found in in_order(of, parts):
        if found is not None:
            leased[found.lease.prefix].append(found)
    return Now(here, leased)


def directory_of(prefix: str) -> str:
    """Return what the directory is called that a session's journals have on their node."""
    return prefix.rpartition("/")[2]
