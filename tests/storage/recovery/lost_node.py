"""What a node that is lost leaves in a store, leases and segments, and another node that looks for it."""

from collections.abc import Collection, Sequence
from pathlib import Path

from tests.storage.left import PREFIX, call
from worker.storage import names
from worker.storage.errors import RoomsUnknown
from worker.storage.recovery.other_nodes import OtherNodes
from worker.storage.recovery.sweep import Outcome
from worker.storage.stores.directory import DirectoryStore
from worker.storage.stores.store import Store
from worker.storage.storing.leases import Lease
from worker.transcript.render import FORMATS


class FarDirectory(DirectoryStore):
    """A directory that outlives the node, as a bucket does."""

    leaves_the_node = True


class PresentAgents:
    """Knows which agents are in their rooms, by the room's id; `None`: LiveKit does not say."""

    def __init__(self, *sids: str) -> None:
        self.sids: set[str] | None = set(sids)
        self.asked = 0

    async def agents_in(self, leases: Collection[Lease]) -> Collection[Lease]:
        self.asked += 1
        if self.sids is None:
            raise RoomsUnknown("LiveKit cannot be reached")
        return [lease for lease in leases if lease.room_sid in self.sids]


class Watcher(OtherNodes):
    """Another node, whose clock only goes when it is told to."""

    def __init__(self, store: Store, journals: Path, rooms: PresentAgents | None = None) -> None:
        self.now = 1000.0
        self.rooms = rooms or PresentAgents()
        super().__init__(journals, store, FORMATS, self.rooms, lambda: self.now)

    async def after(self, seconds: float, *, dry_run: bool = False) -> Sequence[Outcome]:
        """Look, and look again that much later."""
        await self.sweep(dry_run=dry_run)
        self.now += seconds
        return await self.sweep(dry_run=dry_run)


def session(sid: str = "RM_1") -> str:
    """The key under which that room session is stored."""
    return f"{PREFIX}/{sid}-verbatim"


def lease_of(sid: str = "RM_1", part: int = 1) -> Lease:
    """The lease that `call(part, sid)` has."""
    return Lease(prefix=session(sid), room="support", room_sid=sid, agent_identity=f"agent-verbatim-{part}")


def lease_key(sid: str = "RM_1", part: int = 1) -> str:
    return f"open/{sid}-verbatim/AJ_{part}"


async def shipped(store: Store, segments: Sequence[bytes] | None = None, sid: str = "RM_1", part: int = 1) -> None:
    """Put what a running call has sent: its lease, and a segment for each of `segments`."""
    await store.put(lease_key(sid, part), lease_of(sid, part).encode())
    for number, content in enumerate(call(part, sid, ends=False) if segments is None else segments, 1):
        await store.put(names.segment(session(sid), f"AJ_{part}", number), content)
