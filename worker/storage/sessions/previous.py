"""The call before: the newest that the same caller had in a room of the same name, which was another room."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import ValidationError

from worker.storage import names
from worker.storage.stores.places import day_of
from worker.storage.stores.store import Store
from worker.transcript.model import Transcript
from worker.transcript.render import json as as_json

NEWEST = 3
"""How many calls are looked at: a room that many use at once has had others meanwhile."""


async def previous_call(store: Store, prefix: str, agent: str, caller: str) -> str | None:
    """Return the id of its transcript, or `None` where there is none of this day or the day before.

    Args:
        store: where transcripts are.
        prefix: the key under which this call's session is stored.
        agent: the agent's name.
        caller: identity of who was listened to.

    Raises:
        StorageUnwritable: the store cannot be asked.
    """
    day = day_of(prefix)
    room = prefix.split("/")[3]
    if day is None:
        return None
    for each in (day, day - timedelta(days=1)):
        if (found := await _newest(store, each, room, prefix, agent, caller)) is not None:
            return found.transcript_id
    return None


async def _newest(store: Store, day: date, room: str, own: str, agent: str, caller: str) -> Transcript | None:
    listed = [
        each
        for each in await store.objects(f"{day:%Y/%m/%d}/{room}")
        if each.key.endswith(f"/{names.MANIFEST}") and not each.key.startswith(f"{own}/")
    ]
    for each in sorted(listed, key=lambda each: each.modified, reverse=True)[:NEWEST]:
        content = await store.get(f"{each.key.removesuffix(names.MANIFEST)}transcript.json")
        try:
            found = as_json.read(content or b"")
        except ValidationError:  # it is being stored, or somebody else put that there
            continue
        spoke = [person.identity for person in found.participants if person.transcribed]
        if found.agent == agent and caller in spoke:
            return found
    return None
