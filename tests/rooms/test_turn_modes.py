"""A turn that the local voice detection ends (`turns.mode` vad) is understood and answered like any other."""

import pytest

from standins.caller import Caller
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings
from tests.rooms.words import words
from tests.rooms.worker_process import working

pytestmark = pytest.mark.slow

PASSWORD = "I forgot my password."


async def test_silence_alone_may_end_a_turn(surroundings: Surroundings) -> None:
    room = new_room("silence")
    # Left to itself, the recogniser would wait a minute.
    patient = {"VERBATIM_TURNS__MIN_TURN_SILENCE": "60000", "VERBATIM_TURNS__MAX_TURN_SILENCE": "60000"}
    with working(surroundings, "silence", {"VERBATIM_TURNS__MODE": "vad", **patient}):
        async with Caller(voice="awb") as caller:
            await caller.join(surroundings.livekit.url, surroundings.invite(room, agent="silence"))
            await caller.wait_for_agent()
            await caller.listen()
            await caller.speak(PASSWORD)
            await caller.listen()
        stored = await surroundings.stored(room)
    assert [words(text) for text in stored.texts("user")] == [words(PASSWORD)]
    assert len(stored.texts("agent")) == 2
