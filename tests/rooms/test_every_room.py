"""A worker that answers in every room: what the Playground's plain Connect expects."""

from pathlib import Path

import pytest

from standins.caller import Caller
from tests.parts.livekit_server import running
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Surroundings
from tests.rooms.words import words
from tests.rooms.worker_process import working

pytestmark = pytest.mark.slow

PASSWORD = "I forgot my password."


async def test_a_plain_token_without_a_word_of_dispatch_gets_the_agent(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    room = new_room("plain")
    with running(tmp_path) as livekit:
        own = Surroundings(livekit, surroundings.assemblyai, surroundings.openai, tmp_path)
        with working(own, "everywhere", {"VERBATIM_AGENT__DISPATCH": "every_room"}):
            async with Caller(voice="awb") as caller:
                await caller.join(livekit.url, own.invite(room, agent=None))
                await caller.wait_for_agent()
                await caller.listen()
                await caller.speak(PASSWORD)
                await caller.listen()
            stored = await own.stored(room)
    assert [words(text) for text in stored.texts("user")] == [words(PASSWORD)]
    assert len(stored.texts("agent")) == 2
    assert stored.transcript.complete
