"""A conversation of four questions with one barge-in, and everything that its transcript has to hold."""

import asyncio
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from standins.caller.ear import FRAME_MS, SAMPLE_RATE, audible_frames
from standins.voices import Synthesizer
from tests.rooms.conversation import PLACED_WITHIN_MS, Call, Line, hold
from tests.rooms.recogniser import align, recognise
from tests.rooms.surroundings import LLM_KEY, STT_KEY, Surroundings
from tests.rooms.words import word_errors, words
from tests.rooms.worker_process import WorkerProcess
from worker.transcript.model import Turn

pytestmark = pytest.mark.timeout(150)

VOICE = "ash"
LONG_ANSWER_TO = "Tell me about your company."
INTERRUPTION = "Wait, I have another question."
SPOKEN = [
    "My order number is four seven two nine.",
    LONG_ANSWER_TO,
    INTERRUPTION,
    "That is all for today.",
]


async def _talk(line: Line) -> None:
    await line.listen()
    await line.ask(SPOKEN[0])
    line.spoken.append(await line.caller.speak(LONG_ANSWER_TO))
    await line.barge_in(INTERRUPTION, after_ms=3000)
    await line.listen()
    await line.ask(SPOKEN[3])


@pytest.fixture(scope="module")
def call(surroundings: Surroundings, worker: WorkerProcess) -> Call:
    return asyncio.run(hold(surroundings, _talk))


def turns(call: Call, role: str) -> list[Turn]:
    return [turn for turn in call.stored.transcript.turns if turn.role == role]


def cut_turn(call: Call) -> Turn:
    (cut,) = [turn for turn in turns(call, "agent") if turn.interrupted]
    return cut


def test_the_users_words_are_those_that_were_spoken(call: Call) -> None:
    assert [words(text) for text in call.stored.texts("user")] == [words(text) for text in SPOKEN]


def test_the_agents_words_are_those_that_the_llm_answered(call: Call) -> None:
    said = [turn.text for turn in turns(call, "agent") if not turn.interrupted]
    answered = [request["answer"] for request in call.chat if request["messages"][-1]["content"] != LONG_ANSWER_TO]
    assert said == answered


def test_the_llm_was_asked_once_for_each_turn_and_knew_all_that_was_said_before(call: Call) -> None:
    assert len(call.chat) == 1 + len(SPOKEN)
    asked = [[each["content"] for each in request["messages"] if each["role"] == "user"] for request in call.chat]
    assert asked == [call.stored.texts("user")[:count] for count in range(len(SPOKEN) + 1)]


def test_every_final_of_the_recogniser_is_in_the_transcript_once(call: Call) -> None:
    (session,) = call.stt
    assert call.stored.texts("user") == [final["text"] for final in session["finals"]]


def test_everything_spoken_was_handed_to_the_journal_earlier(call: Call) -> None:
    written_at = {event["text"]: moment(event) for event in call.stored.events("agent.sentence")}
    assert call.speech
    for request in call.speech:
        assert words(request["input"])
        assert written_at[request["input"]] <= request["received_at"]


def test_everything_the_llm_is_told_was_handed_to_the_journal_earlier(call: Call) -> None:
    written_at = {event["text"]: moment(event) for event in call.stored.events("user.final")}
    asked = [request for request in call.chat if request["messages"][-1]["role"] == "user"]
    assert len(asked) == len(SPOKEN)
    for request in asked:
        assert written_at[request["messages"][-1]["content"]] <= request["received_at"]


def moment(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def test_the_caller_understands_the_agent(call: Call) -> None:
    heard = [words(text) for text in recognise([answer.audio for answer in call.answers])]
    said = [words(turn.text) for turn in turns(call, "agent") if not turn.interrupted]
    errors = sum(word_errors(*pair) for pair in zip(heard, said, strict=True))
    assert errors / sum(map(len, said)) <= 0.25, heard


def test_an_interrupted_turn_holds_what_was_heard_within_two_words(call: Call) -> None:
    """The caller's own end says how long the agent was audible; the voice, aligned with its text, what that was.

    Neither knows of the worker's account: the one is a level gate on the caller's recording, the other the same
    voice spoken once more, byte for byte, and pocketsphinx tells where in it each word is.
    """
    (interruption,) = call.interruptions
    planned = [request["input"] for request in call.speech if request["input"] in planned_answer(call)]
    audio = asyncio.run(spoken(planned))
    first_audible_ms = audible_frames(audio)[0] * FRAME_MS
    heard_until_ms = first_audible_ms + interruption.heard_ms
    aligned = align(audio, words(" ".join(planned)))
    heard = sum((word.start_ms + word.end_ms) / 2 <= heard_until_ms for word in aligned)
    assert 5 < heard < len(aligned)
    assert abs(len(words(cut_turn(call).text)) - heard) <= 2


def planned_answer(call: Call) -> str:
    (answer,) = [each["answer"] for each in call.chat if each["messages"][-1]["content"] == LONG_ANSWER_TO]
    return str(answer)


async def spoken(sentences: list[str]) -> bytes:
    synthesizer = Synthesizer()
    return b"".join([await synthesizer.speak(text, VOICE, SAMPLE_RATE) for text in sentences])


def test_what_was_not_heard_of_an_interrupted_turn_is_kept_apart(call: Call) -> None:
    cut = cut_turn(call)
    assert words(f"{cut.text} {cut.unplayed_text}") == words(planned_answer(call))
    assert len(words(cut.unplayed_text)) > len(words(cut.text))


def test_the_llm_goes_on_from_what_the_caller_heard(call: Call) -> None:
    after = call.chat[3]["messages"]
    assert [each["content"] for each in after if each["role"] == "assistant"][-1] == cut_turn(call).text


def test_captions_say_what_the_transcript_says(call: Call) -> None:
    (agent,) = [part.agent_identity for part in call.stored.transcript.parts]
    assert [caption.text for caption in call.captions if caption.speaker == agent] == call.stored.texts("agent")
    finals = [caption.text for caption in call.captions if caption.speaker == "caller" and caption.is_final]
    assert finals == call.stored.texts("user")


def test_the_turns_are_in_their_order_and_within_the_call(call: Call) -> None:
    transcript = call.stored.transcript
    said = [turn for turn in transcript.turns if turn.role in ("user", "agent")]
    assert [turn.role for turn in said] == ["agent", *["user", "agent"] * len(SPOKEN)]
    assert all(0 <= turn.started_ms <= turn.ended_ms <= transcript.ended.ms for turn in said)
    assert all(before.started_ms < after.started_ms for before, after in pairwise(said))
    asked = [(before, after) for before, after in pairwise(said) if before.role == "user"]
    assert all(answer.started_ms >= question.ended_ms for question, answer in asked)


def test_an_interrupted_turn_ends_when_it_was_last_heard(call: Call) -> None:
    (interruption,) = call.interruptions
    quiet_at = interruption.spoken.started_at + interruption.quiet_after_ms / 1000
    assert cut_turn(call).ended_ms == pytest.approx(call.transcript_ms(quiet_at), abs=PLACED_WITHIN_MS)


def test_words_are_placed_where_they_were_spoken(call: Call) -> None:
    for turn, spoken in zip(turns(call, "user"), call.spoken, strict=True):
        assert turn.words[0].start_ms == pytest.approx(call.transcript_ms(spoken.started_at), abs=PLACED_WITHIN_MS)
        assert turn.words[-1].end_ms == pytest.approx(call.transcript_ms(spoken.ended_at), abs=PLACED_WITHIN_MS)
        starts = [word.start_ms for word in turn.words if word.start_ms is not None]
        assert starts == sorted(starts)
        assert len(starts) == len(turn.words)


def test_the_time_of_an_answer_is_what_the_turns_themselves_say(call: Call) -> None:
    said = call.stored.transcript.turns
    answered = [(before, after) for before, after in pairwise(said) if before.role == "user"]
    assert answered
    for question, answer in answered:
        assert answer.latency is not None
        assert answer.latency.answer_ms == pytest.approx(answer.started_ms - question.ended_ms, abs=2)
    greeting = said[0]
    assert greeting.latency is None or greeting.latency.answer_ms is None


def test_what_was_played_is_in_the_journal_while_it_is_played(call: Call) -> None:
    said = {event["speech"]: event for event in call.stored.events("agent.said")}
    heard: dict[str, list[dict[str, Any]]] = {}
    for event in call.stored.events("agent.heard"):
        heard.setdefault(event["speech"], []).append(event)
    assert heard.keys() == said.keys()
    for speech, events in heard.items():
        texts = [event["text"] for event in events]
        assert all(words(text) == words(said[speech]["text"])[: len(words(text))] for text in texts)
        assert all(later["seq"] < said[speech]["seq"] for later in events)
        assert all(later["ms"] - earlier["ms"] >= 450 for earlier, later in pairwise(events))
    (cut,) = [event for event in said.values() if event.get("interrupted")]
    assert len(heard[cut["speech"]]) >= 3, "it was heard for three seconds"


def test_a_caller_who_hangs_up_leaves_a_complete_transcript(call: Call) -> None:
    transcript = call.stored.transcript
    assert (transcript.ended.reason, transcript.ended.detail) == ("caller_left", "the caller hung up")
    assert transcript.complete
    assert not transcript.gaps
    assert not transcript.errors
    assert [person.identity for person in transcript.participants] == ["caller"]


def test_the_recogniser_is_told_of_the_end_and_its_bill_is_stored(call: Call) -> None:
    (session,) = call.stt
    assert session["terminated"]
    assert session["close_code"] == 1000
    assert call.stored.transcript.usage.stt_billed_seconds == pytest.approx(session["audio_ms"] / 1000, rel=0.1)


def test_all_renderings_hold_every_word(call: Call) -> None:
    for name in ("transcript.md", "transcript.txt"):
        rendered = words((call.stored.directory / name).read_text())
        for turn in call.stored.transcript.turns:
            if turn.role in ("user", "agent"):
                assert " ".join(words(turn.text)) in " ".join(rendered), name


def test_providers_are_named_for_what_they_are(call: Call) -> None:
    (part,) = call.stored.transcript.parts
    assert "not AssemblyAI" in part.providers["stt"]
    assert "not OpenAI" in part.providers["llm"]
    assert "not OpenAI" in part.providers["tts"]


def test_the_log_holds_no_word_of_the_call_and_no_secret(
    call: Call, worker: WorkerProcess, surroundings: Surroundings
) -> None:
    log = " ".join(words(worker.log))
    sentences = [*call.stored.texts("user"), *(request["input"] for request in call.speech)]
    assert len(sentences) > len(SPOKEN)
    assert [text for text in sentences if " ".join(words(text)) in log] == []
    secrets = [surroundings.livekit.api_secret, STT_KEY, LLM_KEY]
    assert [secret for secret in secrets if secret in worker.log] == []


def test_no_secret_is_stored(call: Call, surroundings: Surroundings) -> None:
    secrets = [surroundings.livekit.api_secret.encode(), STT_KEY.encode(), LLM_KEY.encode()]
    files = [path for path in call.stored.directory.rglob("*") if path.is_file()]
    assert len(files) >= 5
    assert [path for path in files for secret in secrets if secret in path.read_bytes()] == []
