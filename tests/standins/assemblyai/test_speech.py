"""The speech engine over the wire: it recognises the demo's phrases, and does not invent them."""

from collections.abc import Sequence

import pytest
from assemblyai.streaming.v3 import StreamingClient, StreamingClientOptions, StreamingEvents, StreamingParameters

from standins.assemblyai.language_model import read_phrases, spoken
from standins.voices import Synthesizer
from tests.parts.availability import require
from tests.parts.standins import Standin
from tests.standins.assemblyai.sound import SAMPLE_RATE, chunks, noise, silence, through_opus
from tests.standins.assemblyai.wire import Client, connected

MODELS = ["universal-streaming-english", "universal-3-5-pro"]
BOUNDS = {"min_turn_silence": 160, "max_turn_silence": 1000}
PAUSE = silence(1200)

# Everyday sentences that are no phrase of the demo, though some share its words.
FOREIGN = [
    "The river was frozen for most of the winter.",
    "She painted the old fence bright green.",
    "My brother plays the violin in an orchestra.",
    "The recipe needs two eggs and some butter.",
    "The train to the mountains leaves at noon.",
    "I would like to learn how to dance.",
    "When will the rain finally stop?",
    "How do bees find their way home?",
    "Tell your sister that dinner is ready.",
    "My favorite color is dark purple.",
    "The number of birds is falling every year.",
    "Where is the cat hiding this time?",
]

pytestmark = pytest.mark.needs("speech")


@pytest.fixture(scope="module")
def assemblyai_arguments() -> Sequence[str]:
    return ("--engine", "speech")


@pytest.fixture
def edward() -> Synthesizer:
    """The voice that every machine has."""
    return Synthesizer("espeak")


@pytest.fixture(params=["slt", "edward"])
def voice(request: pytest.FixtureRequest) -> Synthesizer:
    if request.param == "slt":
        require("flite")
    return Synthesizer("flite" if request.param == "slt" else "espeak")


async def track(voice: Synthesizer, texts: Sequence[str]) -> bytes:
    """The sentences as they come out of a voice track, a pause after each."""
    pieces = [silence(500)]
    for text in texts:
        pieces += [await voice.speak(text, "slt", SAMPLE_RATE), PAUSE]
    return through_opus(b"".join(pieces))


async def recognised(standin: Standin, pcm: bytes, model: str = MODELS[1]) -> Client:
    """A client that has sent the audio and ended its session."""
    async with connected(standin, speech_model=model, **BOUNDS) as client:
        await client.audio(pcm)
        await client.terminate()
    return client


def texts(client: Client) -> list[list[str]]:
    return [spoken(turn["transcript"]) for turn in client.finals]


@pytest.mark.parametrize("model", MODELS)
async def test_phrases_are_recognised_without_an_error(assemblyai_standin: Standin, voice: Synthesizer, model: str):
    said = read_phrases()[3:7]
    client = await recognised(assemblyai_standin, await track(voice, said), model)
    assert texts(client) == [spoken(text) for text in said]


@pytest.mark.slow
async def test_all_phrases_are_recognised_without_an_error(assemblyai_standin: Standin, voice: Synthesizer):
    said = read_phrases()
    client = await recognised(assemblyai_standin, await track(voice, said))
    assert texts(client) == [spoken(text) for text in said]


async def test_swapped_sentences_give_swapped_texts(assemblyai_standin: Standin, edward: Synthesizer):
    said = read_phrases()[20:22]
    forwards = await recognised(assemblyai_standin, await track(edward, said))
    backwards = await recognised(assemblyai_standin, await track(edward, said[::-1]))
    assert texts(forwards) == texts(backwards)[::-1]


async def test_the_same_audio_gives_the_same_messages_on_every_connection(
    assemblyai_standin: Standin, edward: Synthesizer
):
    pcm = await track(edward, [FOREIGN[0], "Where is my order?"])
    first, second = [await recognised(assemblyai_standin, pcm) for _ in range(2)]
    assert first.turns == second.turns


async def test_a_foreign_sentence_is_not_turned_into_a_phrase(assemblyai_standin: Standin, voice: Synthesizer):
    client = await recognised(assemblyai_standin, await track(voice, FOREIGN[:2]))
    phrases = [spoken(phrase) for phrase in read_phrases()]
    assert len(client.finals) == 2
    assert not [text for text in texts(client) if text in phrases]


@pytest.mark.slow
async def test_no_foreign_sentence_is_turned_into_a_phrase(assemblyai_standin: Standin, voice: Synthesizer):
    client = await recognised(assemblyai_standin, await track(voice, FOREIGN))
    phrases = [spoken(phrase) for phrase in read_phrases()]
    assert len(client.finals) >= len(FOREIGN)
    assert not [text for text in texts(client) if text in phrases]


@pytest.mark.parametrize(
    "pcm",
    [silence(5000), noise(5000, 30), noise(5000, 300)],
    ids=["silence", "faint noise", "loud noise"],
)
async def test_what_is_not_speech_gives_no_turn(assemblyai_standin: Standin, pcm: bytes):
    client = await recognised(assemblyai_standin, pcm)
    assert client.turns == []


async def test_finished_sentences_end_soon_and_unfinished_ones_are_held(
    assemblyai_standin: Standin, edward: Synthesizer
):
    client = await recognised(assemblyai_standin, await track(edward, ["Do you ship to Germany?", "I would like to"]))
    assert [turn["transcript"] for turn in client.finals] == ["Do you ship to Germany?", "I would like to"]
    held = [turn["end_of_turn_confidence"] for turn in client.turns if turn["turn_order"] == 1]
    assert held[-4:] == [0.0, 0.4, 0.75, 1.0]
    assert 0.4 not in [turn["end_of_turn_confidence"] for turn in client.turns if turn["turn_order"] == 0]


async def test_words_lie_where_they_were_spoken(assemblyai_standin: Standin, edward: Synthesizer):
    pcm = await track(edward, ["Where is my order?"])
    client = await recognised(assemblyai_standin, pcm)
    words = client.finals[0]["words"]
    spoken_ms = len(await edward.speak("Where is my order?", "slt", SAMPLE_RATE)) // 32
    assert words[0]["start"] >= 400
    assert words[-1]["end"] <= 500 + spoken_ms + 60
    assert all(word["start"] < word["end"] for word in words)


@pytest.mark.parametrize("model", MODELS)
async def test_the_official_sdk_holds_a_conversation(assemblyai_standin: Standin, edward: Synthesizer, model: str):
    said = ["Hi there, can you help me please?", "Is Tuesday afternoon still free?", "Yes please."]
    pcm = await track(edward, said)
    finals: list[str] = []
    client = StreamingClient(
        StreamingClientOptions(
            api_key="offline", api_host=assemblyai_standin.websocket_url, connect_timeout=10, terminate_timeout=20
        )
    )
    client.on(
        StreamingEvents.Turn,
        lambda _, turn: finals.append(turn.transcript) if turn.end_of_turn and turn.turn_is_formatted else None,
    )
    client.connect(StreamingParameters(sample_rate=SAMPLE_RATE, speech_model=model, format_turns=True, **BOUNDS))
    client.stream(iter(chunks(pcm)))
    client.disconnect(terminate=True)
    assert finals == [said[0].replace(",", ""), *said[1:]]
