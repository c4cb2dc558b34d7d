"""Who is in a room, of those who matter to a call."""

import pytest
from livekit.protocol.models import ParticipantInfo, ParticipantPermission

from worker.presence import Presence, presence

Kind, State = ParticipantInfo.Kind, ParticipantInfo.State


def someone(
    identity: str = "ada",
    kind: ParticipantInfo.Kind = Kind.STANDARD,
    state: ParticipantInfo.State = State.ACTIVE,
    **more: object,
) -> ParticipantInfo:
    return ParticipantInfo(identity=identity, kind=kind, state=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Kind.STANDARD, Kind.SIP, Kind.CONNECTOR])
@pytest.mark.parametrize("state", [State.JOINED, State.ACTIVE])
def test_a_person_is_one_who_can_be_spoken_with(kind: ParticipantInfo.Kind, state: ParticipantInfo.State) -> None:
    assert presence([someone(kind=kind, state=state)], "verbatim") == Presence(people=("ada",))


@pytest.mark.parametrize(
    "other",
    [
        someone(kind=Kind.EGRESS),
        someone(kind=Kind.INGRESS),
        someone(state=State.JOINING),
        someone(state=State.DISCONNECTED),
        someone(permission=ParticipantPermission(hidden=True)),
        someone(permission=ParticipantPermission(recorder=True)),
        someone("agent-other-1", Kind.AGENT, attributes={"lk.agent.name": "other"}),
        someone("agent-verbatim-1", Kind.AGENT, State.DISCONNECTED),
    ],
)
def test_nobody_else_counts(other: ParticipantInfo) -> None:
    assert presence([other], "verbatim") == Presence()


@pytest.mark.parametrize(
    "agent",
    [
        someone("agent-verbatim-2", Kind.AGENT, State.JOINED),
        someone("of another make", Kind.AGENT, attributes={"lk.agent.name": "verbatim"}),
    ],
)
def test_an_agent_is_known_by_its_identity_and_by_the_name_it_was_sent_for(agent: ParticipantInfo) -> None:
    assert presence([agent], "verbatim") == Presence(agents=(agent.identity,))


def test_a_person_who_takes_the_name_of_an_agent_is_none() -> None:
    assert presence([someone("agent-verbatim-1")], "verbatim") == Presence(people=("agent-verbatim-1",))
