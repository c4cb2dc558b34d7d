"""The words come from the audio, and from nothing else."""

import asyncio
from pathlib import Path

import psutil
import pytest

from standins.assemblyai.language_model import PHRASES, read_phrases
from standins.caller import NoAnswerError
from tests.rooms.conversation import Call, Line, hold
from tests.rooms.surroundings import Surroundings
from tests.rooms.words import words
from tests.rooms.worker_process import WorkerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PASSWORD = "I forgot my password."
CARDS = "Do you sell gift cards?"
ORDER = "Where is my order?"
FOREIGN = "The children were playing football in the garden."


async def _ask(line: Line, *questions: str) -> None:
    for question in questions:
        await line.ask(question)


async def _speak_muted_and_then_of_something_else(line: Line) -> None:
    line.caller.mute()
    await line.caller.speak(ORDER)
    with pytest.raises(NoAnswerError):
        await line.caller.listen(deadline_s=2)
    line.caller.unmute()
    line.spoken.append(await line.caller.speak(FOREIGN))


async def _two_at_once_and_one_more(surroundings: Surroundings) -> tuple[Call, Call, Call]:
    straight, swapped = await asyncio.gather(
        hold(surroundings, lambda line: _ask(line, PASSWORD, CARDS), agent="desk", what="straight"),
        hold(surroundings, lambda line: _ask(line, CARDS, PASSWORD), agent="desk", what="swapped"),
    )
    muted = await hold(surroundings, _speak_muted_and_then_of_something_else, agent="desk", what="muted")
    return straight, swapped, muted


@pytest.fixture(scope="module")
def calls(surroundings: Surroundings, desk: WorkerProcess) -> tuple[Call, Call, Call]:
    return asyncio.run(_two_at_once_and_one_more(surroundings))


@pytest.fixture(scope="module")
def two_calls(calls: tuple[Call, Call, Call]) -> tuple[Call, Call]:
    return calls[:2]


@pytest.fixture(scope="module")
def muted(calls: tuple[Call, Call, Call]) -> Call:
    return calls[2]


def test_swapped_sentences_are_swapped_in_the_transcript(two_calls: tuple[Call, Call]) -> None:
    straight, swapped = two_calls
    assert [words(text) for text in straight.stored.texts("user")] == [words(PASSWORD), words(CARDS)]
    assert [words(text) for text in swapped.stored.texts("user")] == [words(CARDS), words(PASSWORD)]


def test_two_calls_at_once_are_kept_apart(two_calls: tuple[Call, Call]) -> None:
    straight, swapped = two_calls
    assert straight.stored.texts("agent") == [answer.caption for answer in straight.answers]
    assert swapped.stored.texts("agent") == [answer.caption for answer in swapped.answers]
    assert straight.stored.texts("agent") == swapped.stored.texts("agent")[::-1]
    assert straight.stored.transcript.transcript_id != swapped.stored.transcript.transcript_id
    for call in two_calls:
        (session,) = call.stt
        assert [final["text"] for final in session["finals"]] == call.stored.texts("user")
        assert call.stored.transcript.complete


def test_what_is_spoken_into_a_muted_microphone_leaves_no_turn(muted: Call) -> None:
    (session,) = muted.stt
    assert len(session["finals"]) == 1
    assert len(muted.stored.texts("user")) == 1
    assert not any(word in muted.stored.texts("user")[0].lower() for word in ("where", "order"))


def test_a_sentence_out_of_the_domain_does_not_become_a_phrase(muted: Call) -> None:
    (heard,) = muted.stored.texts("user")
    assert words(heard) not in [words(phrase) for phrase in read_phrases()]
    assert len(set(words(heard)) & set(words(FOREIGN))) >= len(set(words(FOREIGN))) / 2


def test_the_recogniser_never_sees_what_the_caller_means_to_say(muted: Call, surroundings: Surroundings) -> None:
    standin = psutil.Process(surroundings.assemblyai.pid)
    processes = [standin, *standin.children(recursive=True)]
    assert len(processes) >= 2
    seen = [*(text for one in processes for text in one.cmdline()), *standin.environ().values()]
    given = {Path(text) for one in processes for text in one.cmdline() if text.endswith(".txt")}
    assert given <= {PHRASES}
    assert FOREIGN not in PHRASES.read_text()
    assert [text for text in seen if " ".join(words(FOREIGN)) in " ".join(words(text))] == []
    assert surroundings.assemblyai.state()["engine"] == "speech"
    told = [session["query"] | {"updates": session["updates"]} for session in surroundings.assemblyai.log()["sessions"]]
    assert told
    for each in told:
        assert "keyterms_prompt" not in each
        assert "prompt" not in each
        assert each["updates"] == []
