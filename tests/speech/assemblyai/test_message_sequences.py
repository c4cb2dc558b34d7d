"""The vendor's documented sequences of messages: each gives one turn with the right words."""

from typing import Any

import pytest
from livekit.agents import NOT_GIVEN

from tests.speech.conftest import MakeStt
from tests.speech.listening import Kind, listening
from tests.speech.memory_recorder import MemoryRecorder
from tests.speech.scripted_server import Connection, ScriptedServer
from tests.transcript.journals import told
from worker.transcript.events import UserTurn

Message = dict[str, Any]


def word(text: str, start: int, end: int, *, final: bool = True) -> Message:
    return {"text": text, "start": start, "end": end, "confidence": 0.9, "word_is_final": final}


def turn(words: list[Message], transcript: str, confidence: float, **fields: Any) -> Message:
    return {
        "type": "Turn", "turn_order": 0, "turn_is_formatted": False, "end_of_turn": False, "transcript": transcript,
        "end_of_turn_confidence": confidence, "words": words,
    } | fields  # fmt: skip


MAY, ME, PAY = word("may", 800, 960), word("i", 1040, 1120), word("pay", 1120, 1280)
UNIVERSAL_STREAMING = [
    turn([word("may", 800, 960, final=False)], "", 0.71),
    turn([MAY, ME, word("pay", 1120, 1280, final=False)], "may i", 0.01),
    turn([MAY, ME, PAY, word("by", 1360, 1440, final=False)], "may i pay", 0.02),
    turn([MAY, ME, PAY, word("by", 1360, 1440), word("car", 1520, 1600, final=False)], "may i pay by", 0.02),
    turn([MAY, ME, PAY, word("by", 1360, 1440), word("card", 1520, 1840, final=False)], "may i pay by", 0.3),
    turn([MAY, ME, PAY, word("by", 1360, 1440), word("card", 1520, 2240)], "may i pay by card", 0.85, end_of_turn=True),
    turn(
        [word("May", 800, 960), word("I", 1040, 1120), PAY, word("by", 1360, 1440), word("card?", 1520, 2240)],
        "May I pay by card?", 0.85, end_of_turn=True, turn_is_formatted=True,
    ),
]  # fmt: skip
"""Seven messages: the transcript grows by words that are final, a word changes until it is, the final comes twice."""


def partial(text: str, confidence: float) -> Message:
    words = [word(each, 800 + 200 * at, 950 + 200 * at, final=False) for at, each in enumerate(text.split())]
    return turn(words, text, confidence, turn_is_formatted=True)


UNIVERSAL_3 = [
    {"type": "SpeechStarted", "timestamp": 800, "confidence": 0.9},
    partial("May I", 0.0),
    partial("May I pay by", 0.0),
    partial("May I pay by", 0.4),
    turn(
        [word(each, 800 + 200 * at, 950 + 200 * at) for at, each in enumerate(["May", "I", "pay", "by", "card?"])],
        "May I pay by card?", 1.0, end_of_turn=True, turn_is_formatted=True, utterance="May I pay by card?",
    ),
]  # fmt: skip
"""Partials of the whole turn, one held in a silence, none final and all formatted; the final refines them."""


@pytest.mark.parametrize(
    ("messages", "options"),
    [
        (UNIVERSAL_STREAMING, {"model": "universal-streaming-english", "format_turns": True}),
        (UNIVERSAL_3, {"model": "universal-3-5-pro", "format_turns": NOT_GIVEN}),
    ],
    ids=["Universal-Streaming", "Universal-3"],
)
async def test_the_sequence_gives_one_turn_with_the_right_words(
    make_stt: MakeStt, recorder: MemoryRecorder, messages: list[Message], options: dict[str, Any]
) -> None:
    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.send(*messages)
        await connection.end()

    finals, ends = [], 0
    async with ScriptedServer(script).running() as server, listening(make_stt(server.url, **options)) as stream:
        async for event in stream:
            if event.type is Kind.FINAL_TRANSCRIPT:
                finals.append(event.alternatives[0].text)
            ends += event.type is Kind.END_OF_SPEECH
            if ends:
                stream.end_input()
                break
    assert finals == ["May I pay by card?"]
    recorder.append(UserTurn(participant="caller", text=finals[0]))
    (only,) = told(*((0, event) for event in recorder.events)).turns
    assert (only.role, only.text, only.unfinished) == ("user", "May I pay by card?", False)
    assert [each.text for each in only.words][-1] == "card?"
