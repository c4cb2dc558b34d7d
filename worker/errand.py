"""What a dispatch's metadata says to the worker: which part of a call its agent is to be, and whom it follows.

It lies under the key `verbatim` of the JSON object that the metadata is, beside the operator's own keys. An operator's
metadata of any other form moves into it, and `own` gives it back as it was.
"""

import json
import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

KEY = "verbatim"


class Errand(BaseModel):
    """What an agent is sent for. What metadata does not say, or says wrongly, is as if the call began here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    part: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Which of a room's agents of this name it is: one that comes back has its predecessor's number, so that the
    server never keeps both; one that takes over from a running agent has the next."""

    resume_of: str | None = None
    """Job whose call goes on, or `None` for a new call."""

    identity: str | None = None
    """Who calls, where that was known when the agent was sent."""

    plain: str | None = None
    """The operator's metadata, where that is no JSON object."""


def read(metadata: str) -> Errand:
    """Return what `metadata` says."""
    found = _object(metadata)
    try:
        return Errand.model_validate((found or {}).get(KEY, {}))
    except ValidationError:
        return Errand()


def write(metadata: str, errand: Errand) -> str:
    """Return `metadata` with `errand` in place of the one that it had; what is the operator's stays."""
    found = _object(metadata)
    if found is None:
        errand = errand.model_copy(update={"plain": metadata or None})
    else:
        errand = errand.model_copy(update={"plain": read(metadata).plain})
    ours = errand.model_dump(exclude_defaults=True)
    return json.dumps({**(found or {}), KEY: ours}, ensure_ascii=False)


def own(metadata: str) -> str:
    """Return the operator's metadata as it was before this worker or its watcher wrote into it."""
    found = _object(metadata)
    if found is None or KEY not in found:
        return metadata
    plain = read(metadata).plain
    rest = {key: value for key, value in found.items() if key != KEY}
    return plain or (json.dumps(rest, ensure_ascii=False) if rest else "")


def agent_identity(agent: str, part: int) -> str:
    """Return the identity under which the agent of this name and part is in a room."""
    return f"agent-{agent}-{part}"


def part_of(agent: str, identity: str) -> int | None:
    """Return the part of the agent of this name whose identity it is; `None` where it is not one's."""
    found = re.fullmatch(rf"agent-{re.escape(agent)}-([0-9]+)", identity)
    return int(found[1]) if found is not None else None


def taken_by(errand: Errand, agent: str, identity: str) -> Errand:
    """Return `errand` as the agent of this identity has it: its part is that of the identity, which the worker gave it.

    A worker may take a call for another part than the dispatch knows of (`worker.fleet.intake`).
    """
    part = part_of(agent, identity)
    return errand if part is None else errand.model_copy(update={"part": part})


def is_agent_identity(agent: str, identity: str) -> bool:
    """Return whether `identity` is that of an agent of this name, of whatever part."""
    return part_of(agent, identity) is not None


def _object(metadata: str) -> dict[str, Any] | None:
    try:
        found = json.loads(metadata)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
