"""Callers on a phone: their numbers, their calls, and how hard they are to hear over their own echo."""

import asyncio
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import Agent

from config.sections.turns import TurnsSettings
from standins.caller import phone_attributes
from tests.session.capturing.test_roster import FakeRoom, leave, participant
from tests.session.conftest import Stage
from tests.session.memory_audio import Microphone, Speaker
from tests.speech.memory_recorder import PATIENCE_S, MemoryRecorder
from worker.session.capturing.roster import Roster
from worker.session.conversation.phone import Policy, phone_of, shown, use_phone_profile
from worker.transcript.events import Dtmf, ParticipantJoined, ParticipantLeft

NUMBER = "+15557654321"
Reason = rtc.DisconnectReason


def on_phone(identity: str = f"sip_{NUMBER}", **attributes: str) -> Any:
    caller = participant(identity, rtc.ParticipantKind.PARTICIPANT_KIND_SIP)
    caller.name = f"Phone {NUMBER}"
    caller.attributes = phone_attributes(NUMBER) | {
        name.replace("_", ".", 1): value for name, value in attributes.items()
    }
    return caller


def watching(recorder: MemoryRecorder, policy: Policy, *present: Any) -> tuple[FakeRoom, Roster]:
    room = FakeRoom(*present)
    roster = Roster(room, recorder, policy)  # type: ignore[arg-type]
    roster.watch()
    return room, roster


@pytest.mark.parametrize(
    ("policy", "text", "is_shown"),
    [
        ("keep", NUMBER, NUMBER),
        ("mask", NUMBER, "+*********21"),
        ("mask", "sip_+1 (555) 765-4321", "sip_+* (***) ***-**21"),
        ("mask", "ada2024", "ada2024"),
        ("drop", f"Phone {NUMBER}", "Phone "),
        ("drop", "desk 12", "desk 12"),
    ],
)
def test_a_number_is_shown_as_the_policy_lets_it(policy: Policy, text: str, is_shown: str) -> None:
    assert shown(text, policy) == is_shown


@pytest.mark.parametrize(
    ("policy", "identity", "name", "number"),
    [
        ("keep", f"sip_{NUMBER}", f"Phone {NUMBER}", NUMBER),
        ("mask", "sip_+*********21", "Phone +*********21", "+*********21"),
        ("drop", "sip", "Phone ", ""),
    ],
)
async def test_what_is_written_down_of_a_phone(policy: Policy, identity: str, name: str, number: str) -> None:
    recorder = MemoryRecorder()
    caller = on_phone()
    room, roster = watching(recorder, policy, caller)
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=5, digit="5", participant=caller))
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=6, digit="6", participant=None))
    leave(room, caller, Reason.CLIENT_INITIATED)
    assert recorder.events == [
        ParticipantJoined(
            identity=identity,
            name=name,
            participant_kind="sip",
            transcribed=True,
            call=caller.attributes["sip.callIDFull"],
            number=number,
        ),
        Dtmf(participant=identity, digit="5"),
        Dtmf(participant=identity, digit="6"),
        ParticipantLeft(identity=identity, reason="client_initiated"),
    ]
    # The room knows them by their own name, the journal by the other.
    assert (roster.transcribed, roster.caller) == (f"sip_{NUMBER}", identity)
    if policy != "keep":
        assert "7654321" not in repr(recorder.events)


async def test_two_phones_that_look_the_same_are_told_apart_and_known_again() -> None:
    recorder = MemoryRecorder()
    first, second = on_phone(), on_phone("sip_+19990000021")
    room, _ = watching(recorder, "mask", first, second)
    leave(room, first, Reason.SIGNAL_CLOSE)
    room.emit("participant_connected", first)
    assert [event.identity for event in recorder.of(ParticipantJoined)] == [
        "sip_+*********21",
        "sip_+*********21#2",
        "sip_+*********21",
    ]


async def test_the_phone_profile_is_asked_for_when_the_caller_is_on_a_phone() -> None:
    asked: list[str] = []
    for caller in (participant("ada"), on_phone()):
        room = FakeRoom()
        roster = Roster(room, MemoryRecorder())  # type: ignore[arg-type]
        roster.when_on_phone = lambda identity=caller.identity: asked.append(identity)  # type: ignore[misc]
        roster.watch()
        room.emit("participant_connected", caller)
    assert asked == [f"sip_{NUMBER}"]


async def test_a_phone_that_rings_is_not_picked_up_until_it_says_so() -> None:
    caller = on_phone(sip_callStatus="ringing")
    room, roster = watching(MemoryRecorder(), "mask", caller)
    assert not roster.picked_up
    caller.attributes["sip.callStatus"] = "active"
    room.emit("participant_attributes_changed", {"sip.callStatus": "active"}, caller)
    assert roster.picked_up


@pytest.mark.parametrize(
    ("reason", "never_reached"),
    [(Reason.USER_UNAVAILABLE, True), (Reason.SIP_TRUNK_FAILURE, True), (Reason.USER_REJECTED, False)],
)
async def test_a_phone_that_was_not_reached_does_not_come_back(reason: int, never_reached: bool) -> None:
    caller = on_phone(sip_callStatus="ringing")
    room, roster = watching(MemoryRecorder(), "mask", caller)
    leave(room, caller, reason)
    assert roster.hung_up
    assert roster.never_reached is never_reached


def test_attributes_that_are_missing_are_no_obstacle() -> None:
    phone = phone_of({})
    assert (phone.call, phone.number, phone.is_picked_up) == ("", "", True)


async def test_the_framework_reads_what_the_profile_sets(stage: Stage) -> None:
    """Pins `session.options` being the live options: it is bent in `worker/session/conversation/phone.py`."""
    turns = TurnsSettings(phone_interruption_min_duration=1250, phone_interruption_min_words=3)
    use_phone_profile(stage.session, turns)
    assert stage.session.options.interruption["min_duration"] == 1.25
    assert stage.session.options.interruption["min_words"] == 3
    assert stage.session._opts.turn_handling["interruption"] is stage.session.options.interruption


async def test_a_phone_without_a_level_of_echo_is_heard_whole(stage: Stage) -> None:
    use_phone_profile(stage.session, TurnsSettings())
    assert stage.speech.stt.echo is None


async def test_the_agent_s_echo_is_kept_from_the_recogniser_while_it_speaks(stage: Stage) -> None:
    use_phone_profile(stage.session, TurnsSettings(phone_echo_level=-24))
    speaker = Speaker()
    stage.session.input.audio = Microphone(level=1500)
    stage.session.output.audio = speaker
    await stage.session.start(Agent(instructions="Take orders."))
    connection = await stage.server.connection()
    await connection.until(lambda self: any(map(any, self.chunks)))
    stage.session.say("One moment please.")
    async with asyncio.timeout(PATIENCE_S):
        await speaker.flushed.wait()
    speaker.begin_to_play()
    count = len(connection.chunks)
    await connection.until(lambda self: any(not any(chunk) for chunk in self.chunks[count:]))
    assert not stage.speech.stt.hears_caller
    speaker.play_all()


async def test_the_name_of_a_caller_without_a_phone_is_not_touched() -> None:
    recorder = MemoryRecorder()
    watching(recorder, "drop", participant("visitor_123456789"))
    assert recorder.of(ParticipantJoined)[0].identity == "visitor_123456789"
