"""Who comes and goes is journaled, and one of them is listened to."""

from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc

from tests.speech.memory_recorder import MemoryRecorder
from worker.session.capturing.roster import Roster, disconnect_reason
from worker.transcript.events import Dtmf, ParticipantJoined, ParticipantLeft

Kind = rtc.ParticipantKind
Reason = rtc.DisconnectReason


class FakeRoom(rtc.EventEmitter[str]):
    def __init__(self, *present: Any) -> None:
        super().__init__()
        self.remote_participants = {each.identity: each for each in present}


def participant(identity: str, kind: int = Kind.PARTICIPANT_KIND_STANDARD) -> Any:
    return SimpleNamespace(identity=identity, name=identity.title(), kind=kind, disconnect_reason=None, attributes={})


def leave(room: FakeRoom, who: Any, reason: int | None) -> None:
    who.disconnect_reason = reason
    room.emit("participant_disconnected", who)


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


def watching(recorder: MemoryRecorder, *present: Any) -> tuple[FakeRoom, Roster]:
    room = FakeRoom(*present)
    roster = Roster(room, recorder)  # type: ignore[arg-type]
    roster.watch()
    return room, roster


async def test_the_first_person_is_listened_to_and_the_second_is_not(recorder: MemoryRecorder) -> None:
    room, roster = watching(recorder, participant("ada"))
    room.emit("participant_connected", participant("bob"))
    assert roster.transcribed == "ada"
    assert recorder.events == [
        ParticipantJoined(identity="ada", name="Ada", participant_kind="standard", transcribed=True),
        ParticipantJoined(identity="bob", name="Bob", participant_kind="standard", transcribed=False),
    ]


async def test_an_agent_is_never_listened_to(recorder: MemoryRecorder) -> None:
    room, roster = watching(recorder, participant("agent-x", Kind.PARTICIPANT_KIND_AGENT))
    assert roster.transcribed == ""
    room.emit("participant_connected", participant("phone", Kind.PARTICIPANT_KIND_SIP))
    assert roster.transcribed == "phone"
    assert [(each.participant_kind, each.transcribed) for each in recorder.of(ParticipantJoined)] == [
        ("agent", False),
        ("sip", True),
    ]


async def test_how_the_caller_left_is_known_until_they_are_back(recorder: MemoryRecorder) -> None:
    ada = participant("ada")
    room, roster = watching(recorder, ada)
    assert roster.left is None
    leave(room, ada, Reason.CONNECTION_TIMEOUT)
    assert roster.left == "connection_timeout"
    room.emit("participant_connected", ada)
    assert roster.left is None
    assert [type(event) for event in recorder.events] == [ParticipantJoined, ParticipantLeft, ParticipantJoined]


async def test_keys_that_are_pressed_are_written_with_who_pressed_them(recorder: MemoryRecorder) -> None:
    ada = participant("ada", Kind.PARTICIPANT_KIND_SIP)
    room, _ = watching(recorder, ada)
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=5, digit="5", participant=ada))
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=11, digit="#", participant=None))
    assert recorder.of(Dtmf) == [Dtmf(participant="ada", digit="5"), Dtmf(participant="ada", digit="#")]


async def test_someone_else_s_leaving_is_not_the_caller_s(recorder: MemoryRecorder) -> None:
    bob = participant("bob")
    room, roster = watching(recorder, participant("ada"), bob)
    leave(room, bob, Reason.CLIENT_INITIATED)
    assert roster.left is None
    assert recorder.of(ParticipantLeft) == [ParticipantLeft(identity="bob", reason="client_initiated")]


async def test_a_leaving_without_a_reason_has_an_unknown_one(recorder: MemoryRecorder) -> None:
    ada = participant("ada")
    room, roster = watching(recorder, ada)
    leave(room, ada, None)
    assert roster.left == "unknown_reason"


@pytest.mark.parametrize("value", Reason.values())
def test_every_reason_of_livekit_has_a_name(value: int) -> None:
    assert disconnect_reason(value).islower()  # type: ignore[arg-type]


async def test_of_several_who_are_there_the_one_whose_call_it_was_is_listened_to(recorder: MemoryRecorder) -> None:
    roster = Roster(FakeRoom(participant("ada"), participant("bob")), recorder)  # type: ignore[arg-type]
    roster.expected = "bob"
    roster.watch()
    assert roster.transcribed == "bob"
