"""Who is in a room, told from the server's list of participants. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from livekit.protocol.models import ParticipantInfo

from worker.errand import is_agent_identity

PEOPLE = (ParticipantInfo.Kind.STANDARD, ParticipantInfo.Kind.SIP, ParticipantInfo.Kind.CONNECTOR)
"""Kinds of participants that the framework's session listens to (livekit-agents, `RoomOptions.participant_kinds`)."""

PRESENT = (ParticipantInfo.State.JOINED, ParticipantInfo.State.ACTIVE)

NAME_OF_AGENT = "lk.agent.name"
"""Attribute in which the server writes the name that an agent was dispatched by (livekit-server, `pkg/agent`)."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The identities of those who matter to a call; what records or watches a room in secret does not."""

    people: Sequence[str] = ()
    agents: Sequence[str] = ()
    """Agents of one name. One whose process was killed is listed for about 20 s more."""


def presence(participants: Iterable[ParticipantInfo], agent: str) -> Presence:
    """Return who is there of `participants`, counting agents named `agent`."""
    people: list[str] = []
    agents: list[str] = []
    for each in participants:
        if each.state not in PRESENT:
            continue
        if each.kind == ParticipantInfo.Kind.AGENT:
            if each.attributes.get(NAME_OF_AGENT) == agent or is_agent_identity(agent, each.identity):
                agents.append(each.identity)
        elif each.kind in PEOPLE and not (each.permission.hidden or each.permission.recorder):
            people.append(each.identity)
    return Presence(tuple(people), tuple(agents))
