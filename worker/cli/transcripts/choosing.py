"""Which session a person means."""

from collections.abc import Sequence

from worker.cli.transcripts.screen import one_line
from worker.storage.catalogue import Session
from worker.storage.errors import TranscriptUnknown

CANDIDATES = 5
"""How many are named where more than one is meant."""


def choose(sessions: Sequence[Session], name: str) -> tuple[Session, str]:
    """Return the session that `name` means, and a remark if that is not plain.

    Args:
        sessions: all there are, newest first.
        name: a transcript id, a room's sid, the name of a room (its newest session is meant), or how one
            transcript id alone begins.

    Raises:
        TranscriptUnknown: it means none, or several; these are named.
    """
    if exact := [session for session in sessions if session.transcript_id == name]:
        return exact[0], ""
    if of_room := [session for session in sessions if session.room == name]:
        newest = of_room[0]
        if len(of_room) == 1:
            return newest, ""
        return newest, f"{len(of_room)} sessions were held in room {one_line(name)}: this is the newest"
    beginning = [session for session in sessions if name and session.transcript_id.startswith(name)]
    if of_sid := [session for session in beginning if session.room_sid == name]:
        beginning = of_sid
    if len(beginning) == 1:
        return beginning[0], ""
    if beginning:
        named = ", ".join(one_line(session.transcript_id) for session in beginning[:CANDIDATES])
        more = f" and {len(beginning) - CANDIDATES} more" if len(beginning) > CANDIDATES else ""
        raise TranscriptUnknown(f"{one_line(name)} may be {named}{more}: write more of it")
    raise TranscriptUnknown(
        f"there is no transcript, room or room sid {one_line(name)!r}: verbatim transcripts ls shows what there is"
    )
