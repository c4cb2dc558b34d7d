"""Where finished transcripts live: bytes by key, in a local directory or a bucket.

Nothing here rests on writes that a store makes only under a condition: keys are deterministic, so that whoever
puts one again puts the same, and whoever reads last decides.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

PROBES = "probe"
"""What the keys of probes begin with."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One key of a store."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    """When it was last put, UTC."""


class Store(ABC):
    """Bytes by key. Keys are components joined by `/`, each made by `names.encode`.

    Every operation ends within a deadline of its own, and raises `StorageUnwritable` with the reason and the
    remedy: `StorageUnavailable` where the store is away or not at its best, so that the same works later;
    `StorageRefused` where a person has to do something first.
    """

    leaves_the_node: bool
    """Whether what is put here outlives the loss of this node."""

    @abstractmethod
    def address(self, key: str) -> str:
        """Return where a person finds what is stored under `key`."""

    @abstractmethod
    async def put(self, key: str, content: bytes) -> None:
        """Make `content` the whole of `key`; when this returns the store has it for good.

        A put that was given up, at its deadline or because it was cancelled, is not tried again later, over what
        was put since.
        """

    @abstractmethod
    async def get(self, key: str) -> bytes | None:
        """Return the content of `key`, or `None` where there is none."""

    @abstractmethod
    async def objects(self, prefix: str = "") -> Sequence[StoredObject]:
        """Return everything under `prefix`, a key's leading components, in the order of their names."""

    async def list(self, prefix: str = "") -> Sequence[str]:
        """Return all keys under `prefix`, in the order of their names."""
        return [each.key for each in await self.objects(prefix)]

    @abstractmethod
    async def directories(self, under: str = "") -> Sequence[str]:
        """Return what leads on from `under`, by name: each component that keys below it go on with, and further.

        Looks into none of them. `directories()` are the first components of all keys that have several.
        """

    async def keeps_versions(self) -> bool | None:
        """Return whether what is deleted can be had again from the store; `None` where it does not say."""
        return False

    @abstractmethod
    async def delete(self, key: str) -> None:
        """Remove `key`; it may be gone already."""

    @abstractmethod
    async def tidy(self, prefix: str) -> None:
        """Remove what puts under `prefix` left behind when their process died. Nobody may be putting there."""

    @abstractmethod
    async def probe(self) -> None:
        """Put, get, list and delete a small object, to know before a call that one can be stored."""


def probe_key() -> str:
    """Return a key that nobody else uses."""
    return f"{PROBES}/{secrets.token_hex(8)}"
