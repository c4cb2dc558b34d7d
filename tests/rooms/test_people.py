"""Who is in the room, and whom the agent listens to: one person; the transcript says so when there are others."""

import asyncio

import pytest
from livekit import api

from standins.caller import Caller
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Stored, Surroundings
from tests.rooms.words import words
from tests.rooms.worker_process import WorkerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

PASSWORD = "I forgot my password."
CARDS = "Do you sell gift cards?"


async def _someone_comes_later(surroundings: Surroundings) -> Stored:
    room = new_room("later")
    url = surroundings.livekit.url
    async with Caller() as first, Caller(voice="awb") as second:
        await first.join(url, surroundings.invite(room, "first", agent="desk"))
        await first.wait_for_agent()
        await second.join(url, surroundings.invite(room, "second", agent=None))
        await second.speak(CARDS)
        await first.speak(PASSWORD)
        await first.listen()
        await second.hang_up()
    return await surroundings.stored(room)


async def _two_are_there_before_the_agent(surroundings: Surroundings) -> Stored:
    room = new_room("before")
    url = surroundings.livekit.url
    async with Caller() as first, Caller(voice="awb") as second, surroundings.api() as server:
        await first.join(url, surroundings.invite(room, "first", agent=None))
        await second.join(url, surroundings.invite(room, "second", agent=None))
        await server.agent_dispatch.create_dispatch(api.CreateAgentDispatchRequest(agent_name="desk", room=room))
        await first.wait_for_agent()
        await first.speak(PASSWORD)
        await second.speak(CARDS)
        await second.listen()
    return await surroundings.stored(room)


@pytest.fixture(scope="module")
def calls(surroundings: Surroundings, desk: WorkerProcess) -> tuple[Stored, Stored]:
    async def both() -> tuple[Stored, Stored]:
        return await asyncio.gather(_someone_comes_later(surroundings), _two_are_there_before_the_agent(surroundings))

    return asyncio.run(both())


@pytest.fixture(scope="module")
def later(calls: tuple[Stored, Stored]) -> Stored:
    return calls[0]


@pytest.fixture(scope="module")
def before(calls: tuple[Stored, Stored]) -> Stored:
    return calls[1]


def test_one_who_comes_later_is_not_listened_to_and_the_transcript_names_them(later: Stored) -> None:
    transcript = later.transcript
    assert not transcript.complete
    (gap,) = transcript.gaps
    assert gap.participant == "second"
    second = transcript.participants[1]
    assert (second.identity, second.transcribed) == ("second", False)
    assert (gap.from_ms, gap.to_ms) == (second.joined_ms, second.left_ms)


def test_the_first_is_heard_whoever_else_speaks(later: Stored) -> None:
    assert [words(text) for text in later.texts("user")] == [words(PASSWORD)]
    assert {turn.participant for turn in later.transcript.turns if turn.role == "user"} == {"first"}
    assert later.transcript.ended.reason == "caller_left"


def test_of_two_who_waited_one_is_listened_to_and_the_other_named(before: Stored) -> None:
    transcript = before.transcript
    assert sorted(person.identity for person in transcript.participants) == ["first", "second"]
    (heard,) = [person.identity for person in transcript.participants if person.transcribed]
    (gap,) = transcript.gaps
    assert not transcript.complete
    assert {heard, gap.participant} == {"first", "second"}
    said = {"first": PASSWORD, "second": CARDS}[heard]
    users = [turn for turn in transcript.turns if turn.role == "user"]
    assert [(turn.participant, words(turn.text)) for turn in users] == [(heard, words(said))]
