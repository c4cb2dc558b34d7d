"""Which session a person means."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from worker.storage import names
from worker.storage.errors import TranscriptUnknown
from worker.storage.sessions.catalogue import Catalogue
from worker.storage.sessions.session import Session
from worker.storage.sessions.under_way import Now
from worker.storage.stores.places import ALWAYS, Span
from worker.transcript.render.wording import one_line

CANDIDATES = 5
"""How many are named where more than one is meant."""


async def find(catalogue: Catalogue, name: str, span: Span = ALWAYS) -> tuple[Session, str]:
    """Return the session that `name` means, and a remark if that is not plain.

    Goes by keys, the newest day first, and no further than needed: a whole transcript id, a room's sid or a room
    ends the search where it is found, the beginning of an id has to be looked for everywhere.

    Args:
        catalogue: the sessions.
        name: a transcript id, a room's sid, the name of a room (its newest session is meant), or how one
            transcript id alone begins.
        span: where to look.

    Raises:
        TranscriptUnknown: it means none, or several; these are named.
        StorageError: they cannot be listed.
    """
    now = await catalogue.now()
    beginning: list[str] = []
    for day in await catalogue.days(now, span) if name else ():
        keys = await catalogue.keys(now, day)
        if exact := [key for key in keys if key.rpartition("/")[2] == names.encode(name)]:
            return await catalogue.session(now, exact[0]), ""
        if of_room := [key for key in keys if key.split("/")[3] == names.encode(name)]:
            return await _newest(catalogue, now, of_room, name)
        of_sid = [key for key in keys if _id(key).partition("-")[0] == name]
        beginning += of_sid or [key for key in keys if _id(key).startswith(name)]
        if of_sid:
            break
    nowhere = now.nowhere({key.rpartition("/")[2] for key in beginning})
    places: list[str | Session] = [*beginning, *(each for each in nowhere if _means(name, each))]
    if not places:
        raise TranscriptUnknown(
            f"there is no transcript, room or room sid {one_line(name)!r}: verbatim transcripts ls shows what there is"
        )
    if len(places) > 1:
        raise TranscriptUnknown(
            _several(name, [each if isinstance(each, str) else each.transcript_id for each in places])
        )
    (only,) = places
    return (await catalogue.session(now, only) if isinstance(only, str) else only), ""


async def _newest(catalogue: Catalogue, now: Now, keys: Sequence[str], room: str) -> tuple[Session, str]:
    sessions = [await catalogue.session(now, key) for key in keys]
    newest = max(sessions, key=lambda session: (session.started_at, session.transcript_id))
    if len(sessions) == 1:
        return newest, ""
    return newest, f"{len(sessions)} sessions were held in room {one_line(room)} that day: this is the newest"


def _several(name: str, places: Sequence[str]) -> str:
    named = ", ".join(one_line(_id(each)) for each in places[:CANDIDATES])
    more = f" and {len(places) - CANDIDATES} more" if len(places) > CANDIDATES else ""
    return f"{one_line(name)} may be {named}{more}: write more of it"


def _means(name: str, session: Session) -> bool:
    return bool(name) and session.transcript_id.startswith(name)


def _id(key: str) -> str:
    return unquote(key.rpartition("/")[2])
