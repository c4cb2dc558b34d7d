"""A caller on a phone: a participant of kind SIP, with a narrow line and an echo."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from standins.caller import Answer, Caller, caller_token, phone_attributes
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Stored, Surroundings
from tests.rooms.worker_process import WorkerProcess, working

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

NUMBER = "+15557654321"
SHOWN = "+*********21"
PASSWORD = "I forgot my password."
ECHO_IS_ANSWERED_S = 3.0
"""How long after its last word an agent that hears itself has begun to answer."""
LOUD_DB = -26.0


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """A call by phone, and what the SIP service said of it."""

    stored: Stored
    attributes: dict[str, str]
    answer: Answer


@pytest.fixture(scope="module")
def switchboard(surroundings: Surroundings) -> Iterator[WorkerProcess]:
    with working(surroundings, "switchboard", {"VERBATIM_AGENT__GREETING": ""}) as worker:
        worker.wait_until_lines_are_made()
        yield worker


def invite(surroundings: Surroundings, room: str, phone: dict[str, str], agent: str = "switchboard") -> str:
    server = surroundings.livekit
    return caller_token(
        server.api_key,
        server.api_secret,
        room,
        identity=f"sip_{phone['sip.phoneNumber']}",
        agent_name=agent,
        phone=phone,
    )


async def _call(surroundings: Surroundings) -> PhoneCall:
    room, phone = new_room("phone"), phone_attributes(NUMBER)
    async with Caller(on_phone=True) as caller:
        await caller.join(surroundings.livekit.url, invite(surroundings, room, phone))
        await caller.wait_for_agent()
        await caller.speak(PASSWORD)
        answer = await caller.listen(30)
        await caller.press("42#")
        await asyncio.sleep(ECHO_IS_ANSWERED_S)
    return PhoneCall(await surroundings.stored(room), phone, answer)


@pytest.fixture(scope="module")
def phone_call(surroundings: Surroundings, switchboard: WorkerProcess) -> PhoneCall:
    return asyncio.run(_call(surroundings))


def test_an_agent_on_a_phone_is_not_stopped_by_its_own_echo(phone_call: PhoneCall) -> None:
    """What is understood is not asked: the recogniser of these tests knows no narrow lines, AssemblyAI's does."""
    turns = phone_call.stored.transcript.turns
    assert [turn.role for turn in turns if turn.role in ("user", "agent")] == ["user", "agent"]
    (answer,) = [turn for turn in turns if turn.role == "agent"]
    assert (answer.text, answer.interrupted) == (phone_call.answer.caption, False)


async def test_a_loud_echo_is_kept_from_the_recogniser_where_that_is_set(surroundings: Surroundings) -> None:
    settings = {"VERBATIM_AGENT__GREETING": "", "VERBATIM_TURNS__PHONE_ECHO_LEVEL": "-24"}
    room, phone = new_room("loud"), phone_attributes(NUMBER)
    with working(surroundings, "loud", settings) as worker:
        worker.wait_until_lines_are_made()
        async with Caller(on_phone=True, echo_db=LOUD_DB) as caller:
            await caller.join(surroundings.livekit.url, invite(surroundings, room, phone, "loud"))
            await caller.wait_for_agent()
            await caller.speak(PASSWORD)
            await caller.listen(30)
            await asyncio.sleep(ECHO_IS_ANSWERED_S)
        stored = await surroundings.stored(room)
    turns = [turn for turn in stored.transcript.turns if turn.role in ("user", "agent")]
    assert [(turn.role, turn.interrupted) for turn in turns] == [("user", False), ("agent", False)]


def test_the_call_s_id_is_kept_and_the_number_only_as_the_policy_lets_it(phone_call: PhoneCall) -> None:
    (caller,) = phone_call.stored.transcript.participants
    assert (caller.kind, caller.number, caller.identity) == ("sip", SHOWN, f"sip_{SHOWN}")
    assert caller.call == phone_call.attributes["sip.callIDFull"]
    for file in phone_call.stored.directory.rglob("*"):
        assert file.is_dir() or "7654321" not in file.read_text()


def test_keys_are_in_the_transcript(phone_call: PhoneCall) -> None:
    assert "".join(event["digit"] for event in phone_call.stored.events("dtmf")) == "42#"


async def test_a_phone_that_nobody_picks_up_leaves_a_transcript_that_says_so(
    surroundings: Surroundings, switchboard: WorkerProcess
) -> None:
    room, phone = new_room("unanswered"), phone_attributes(NUMBER, status="ringing")
    async with Caller(on_phone=True) as caller:
        await caller.join(surroundings.livekit.url, invite(surroundings, room, phone))
        await caller.wait_for_agent()
    stored = await surroundings.stored(room)
    assert (stored.transcript.ended.reason, stored.transcript.ended.detail) == (
        "caller_left",
        "the phone was not answered",
    )
    assert stored.texts("agent") == []


async def test_a_caller_who_hangs_up_at_once_leaves_a_transcript_that_says_so(
    surroundings: Surroundings, switchboard: WorkerProcess
) -> None:
    room, phone = new_room("cut-early"), phone_attributes(NUMBER)
    async with Caller(on_phone=True) as caller:
        await caller.join(surroundings.livekit.url, invite(surroundings, room, phone))
        await caller.wait_for_agent()
    stored = await surroundings.stored(room)
    assert stored.transcript.ended.reason == "caller_left"
    assert stored.transcript.ended.detail == "the caller hung up before anything was said"
