"""What a caller hears when a service fails or nobody speaks, and how the call then goes on or ends."""

from collections.abc import Iterator

import pytest

from config.spoken_lines import LINES
from standins.caller import Caller
from tests.rooms.conversation import new_room
from tests.rooms.surroundings import Stored, Surroundings
from tests.rooms.words import words
from tests.rooms.worker_process import WorkerProcess, working
from worker.speech.catalogue import CATALOGUE
from worker.speech.deafness import REASON as DEAF

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PASSWORD = "I forgot my password."
ANSWER = "I will send you an email. Open it to set a new password."
SAID = LINES["en"]
SETTINGS = {
    "VERBATIM_AGENT__GREETING": "",
    "VERBATIM_AGENT__ANSWER_DEADLINE": "5",
    "VERBATIM_AGENT__FAILED_ANSWERS": "2",
    "VERBATIM_AGENT__SILENCE_PROMPT": "6",
    "VERBATIM_AGENT__SILENCE_GOODBYE": "3",
}


@pytest.fixture(scope="module")
def troubled(surroundings: Surroundings) -> Iterator[WorkerProcess]:
    with working(surroundings, "troubled", SETTINGS) as worker:
        worker.wait_until_lines_are_made()
        yield worker


class Line:
    """A call to the troubled agent."""

    def __init__(self, surroundings: Surroundings, what: str) -> None:
        self._surroundings = surroundings
        self.room = new_room(what)
        self.caller = Caller()

    async def __aenter__(self) -> "Line":
        await self.caller.__aenter__()
        await self.caller.join(self._surroundings.livekit.url, self._surroundings.invite(self.room, agent="troubled"))
        await self.caller.wait_for_agent()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.caller.hang_up()

    async def ask(self) -> str:
        await self.caller.speak(PASSWORD)
        return (await self.caller.listen(30)).caption

    @property
    def heard(self) -> list[str]:
        """What the agent said, by its captions."""
        return [each.text.strip() for each in self.caller.captions if each.speaker in self.caller.agents]

    @property
    def seconds_heard(self) -> float:
        """How long the agent's voice was heard."""
        (ear,) = self.caller._ears.values()
        return sum(burst.ended_at - burst.started_at for burst in ear.speech_since(0.0, pause_s=0.8))

    async def ended(self) -> Stored:
        """The transcript of a call that the other side ended, by closing the room."""
        assert await self.caller.wait_until_ended(30) == "ROOM_DELETED"
        return await self._surroundings.stored(self.room)


async def test_an_llm_that_hangs_is_told_and_the_call_goes_on(
    surroundings: Surroundings, troubled: WorkerProcess
) -> None:
    async with Line(surroundings, "hangs") as line:
        surroundings.openai.set_fault("hang", service="chat")
        assert await line.ask() == SAID["trouble"]
        surroundings.openai.clear_faults()
        assert await line.ask() == ANSWER
    stored = await surroundings.stored(line.room)
    assert [words(text) for text in stored.texts("user")] == [words(PASSWORD)] * 2
    assert stored.texts("agent") == [SAID["trouble"], ANSWER]
    (error,) = stored.transcript.errors
    assert (error.code, error.message) == ("call.no_answer", CATALOGUE["call.no_answer"].message)
    assert stored.transcript.ended.reason == "caller_left"


async def test_a_key_that_is_refused_ends_the_call_with_an_apology_and_closes_the_room(
    surroundings: Surroundings, troubled: WorkerProcess
) -> None:
    async with Line(surroundings, "refused") as line:
        surroundings.openai.set_fault("status", service="chat", status=401)
        await line.caller.speak(PASSWORD)
        stored = await line.ended()
        assert line.heard == [SAID["failed"]]
    assert (stored.transcript.ended.reason, stored.transcript.ended.detail) == (
        "error",
        CATALOGUE["llm.http_401"].sentence,
    )
    assert {error.code for error in stored.transcript.errors} == {"llm.http_401"}
    assert stored.texts("agent") == [SAID["failed"]]


async def test_a_recogniser_that_refuses_the_key_is_told_once_and_ends_the_call_with_an_apology(
    surroundings: Surroundings, troubled: WorkerProcess
) -> None:
    surroundings.assemblyai.set_fault("http", status=401)
    async with Line(surroundings, "deaf") as line:
        stored = await line.ended()
        assert line.heard == [SAID["failed"]]
        assert line.seconds_heard > 2
    fault = CATALOGUE["assemblyai.http_401"]
    assert (stored.transcript.ended.reason, stored.transcript.ended.detail) == ("error", fault.sentence)
    assert [(error.code, error.message) for error in stored.transcript.errors] == [(fault.code, fault.message)]
    assert stored.texts("agent") == [SAID["failed"]]
    assert [gap.reason for gap in stored.transcript.gaps] == [DEAF]


async def test_a_dead_voice_is_told_in_a_line_that_was_made_before(
    surroundings: Surroundings, troubled: WorkerProcess
) -> None:
    async with Line(surroundings, "mute") as line:
        surroundings.openai.set_fault("status", service="speech", status=404)
        await line.caller.speak(PASSWORD)
        stored = await line.ended()
        assert line.heard[-1] == SAID["failed"]
        assert line.seconds_heard > 2
    assert stored.transcript.ended.reason == "error"
    assert stored.texts("agent")[-1] == SAID["failed"]


async def test_an_answer_that_breaks_off_is_told_and_the_call_goes_on(
    surroundings: Surroundings, troubled: WorkerProcess
) -> None:
    async with Line(surroundings, "cut") as line:
        surroundings.openai.set_fault("cut", service="chat", after=3)
        assert SAID["trouble"] in await line.ask()
        surroundings.openai.clear_faults()
        assert await line.ask() == ANSWER
    stored = await surroundings.stored(line.room)
    assert {error.code for error in stored.transcript.errors} == {"llm.cut"}
    assert stored.texts("agent")[-1] == ANSWER


async def test_a_silent_caller_is_asked_and_then_let_go_and_the_room_is_closed(
    surroundings: Surroundings, troubled: WorkerProcess
) -> None:
    async with Line(surroundings, "silent") as line:
        assert (await line.caller.listen(30)).caption == SAID["are_you_there"]
        stored = await line.ended()
        assert line.heard == [SAID["are_you_there"], SAID["silence_goodbye"]]
    assert (stored.transcript.ended.reason, stored.transcript.ended.detail) == ("goodbye", "the caller never spoke")
    assert stored.texts("agent") == [SAID["are_you_there"], SAID["silence_goodbye"]]
    assert stored.transcript.complete
