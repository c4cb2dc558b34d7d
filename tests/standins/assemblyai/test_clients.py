"""The official SDK and the real LiveKit plugin as clients."""

import asyncio
import queue
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from assemblyai.streaming.v3 import (
    BeginEvent,
    StreamingClient,
    StreamingClientOptions,
    StreamingEvents,
    StreamingParameters,
    StreamingSessionParameters,
    TerminationEvent,
    TurnEvent,
)
from livekit import rtc
from livekit.agents import stt
from livekit.plugins import assemblyai

from tests.parts.standins import Standin
from tests.standins.assemblyai.conftest import TEXTS
from tests.standins.assemblyai.sound import SAMPLE_RATE, chunks, silence, tone

DEADLINE_S = 20
MODELS = ["universal-streaming-english", "universal-3-5-pro"]
# The second and the third text are one sentence with a pause inside.
AUDIO = [
    silence(500),
    *(tone(900), silence(900)),
    *(tone(700), silence(600), tone(700), silence(900)),
    *(tone(500), silence(900)),
]
SAID = [TEXTS[0], f"{TEXTS[1]} {TEXTS[2]}", TEXTS[3]]


@pytest.mark.parametrize("model", MODELS)
def test_the_official_sdk_holds_a_conversation(assemblyai_standin: Standin, model: str):
    events: queue.Queue[Any] = queue.Queue()
    client = StreamingClient(
        StreamingClientOptions(api_key="offline", api_host=assemblyai_standin.websocket_url, connect_timeout=10)
    )
    for kind in (StreamingEvents.Begin, StreamingEvents.Turn, StreamingEvents.Termination, StreamingEvents.Error):
        client.on(kind, lambda _, event: events.put(event))
    client.connect(
        StreamingParameters(
            sample_rate=SAMPLE_RATE,
            speech_model=model,
            format_turns=True,
            min_turn_silence=160,
            max_turn_silence=1280,
            keyterms_prompt=["table"],
        )
    )
    client.set_params(StreamingSessionParameters(min_turn_silence=200))
    client.stream(iter(chunks(b"".join(AUDIO))))
    client.disconnect(terminate=True)

    seen = list(events.queue)
    assert isinstance(seen[0], BeginEvent)
    assert isinstance(seen[-1], TerminationEvent)
    finals = [e.transcript for e in seen if isinstance(e, TurnEvent) and e.end_of_turn and e.turn_is_formatted]
    assert finals == SAID
    session = assemblyai_standin.log()["sessions"][-1]
    assert session["updates"] == [{"min_turn_silence": 200, "type": "UpdateConfiguration"}]


def test_the_official_sdk_reports_a_refused_key(assemblyai_standin: Standin):
    assemblyai_standin.set_fault("http", status=401, count=1)
    errors: queue.Queue[Any] = queue.Queue()
    client = StreamingClient(StreamingClientOptions(api_key="offline", api_host=assemblyai_standin.websocket_url))
    client.on(StreamingEvents.Error, lambda _, error: errors.put(error))
    client.connect(StreamingParameters(sample_rate=SAMPLE_RATE, speech_model=MODELS[0]))
    assert errors.get(timeout=DEADLINE_S).code == 401


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(trust_env=False) as session:
        yield session


async def transcribed(recognition: assemblyai.STT, pieces: list[bytes]) -> list[stt.SpeechEvent]:
    """Everything that the plugin's stream says about the audio, fed in frames of 10 ms."""
    stream = recognition.stream()
    for frame in chunks(b"".join(pieces), 10):
        stream.push_frame(rtc.AudioFrame(frame, SAMPLE_RATE, 1, len(frame) // 2))
    stream.end_input()
    async with asyncio.timeout(DEADLINE_S), stream:
        return [event async for event in stream]


@pytest.mark.parametrize("model", MODELS)
async def test_the_livekit_plugin_holds_a_conversation(
    assemblyai_standin: Standin, http: aiohttp.ClientSession, model: Any
):
    recognition = assemblyai.STT(
        api_key="offline",
        base_url=assemblyai_standin.websocket_url,
        http_session=http,
        model=model,
        format_turns=True,
        min_turn_silence=160,
        max_turn_silence=1280,
    )
    # 30 ms more than whole chunks, so that the plugin flushes a short tail before Terminate.
    events = await transcribed(recognition, [*AUDIO, silence(30)])
    kinds = [event.type for event in events]
    finals = [e.alternatives[0].text for e in events if e.type == stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert finals == SAID
    assert kinds.count(stt.SpeechEventType.START_OF_SPEECH) == len(SAID)
    assert kinds.count(stt.SpeechEventType.END_OF_SPEECH) == len(SAID)
    early = kinds.index(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT)
    final = kinds.index(stt.SpeechEventType.FINAL_TRANSCRIPT)
    assert early < final
    assert assemblyai_standin.log()["sessions"][-1]["terminated"]


async def test_the_livekit_plugin_sees_the_confidence_rise_while_a_turn_is_held(
    assemblyai_standin: Standin, http: aiohttp.ClientSession
):
    assemblyai_standin.call("POST", "/control/script", {"texts": ["I would like"]})
    recognition = assemblyai.STT(
        api_key="offline",
        base_url=assemblyai_standin.websocket_url,
        http_session=http,
        model="universal-3-6-pro",
        min_turn_silence=100,
        max_turn_silence=1000,
    )
    events = await transcribed(recognition, [silence(500), tone(700), silence(1500)])
    metadata = [event.alternatives[0].metadata for event in events if event.alternatives]
    held = [each["end_of_turn_confidence"] for each in metadata if each]
    # The last two are the interim and the final that the plugin makes of the one final message.
    assert held[-6:] == [0.0, 0.4, 0.75, 1.0, 1.0, 1.0]
