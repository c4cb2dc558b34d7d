"""A recorder, and streams of the STT under test against a scripted server."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from livekit.agents import APIConnectOptions

from tests.speech.memory_recorder import MemoryRecorder
from worker.speech.assemblyai import RecordingSTT
from worker.speech.assemblyai.patience import Patience

KEY = "0123456789abcdef0123456789abcdef"
PATIENT = APIConnectOptions(max_retry=3, retry_interval=0.05, timeout=5)

QUICK = Patience(
    connect_seconds=0.5,
    error_seconds=0.2,
    give_up_seconds=5.0,
    spread_seconds=0.0,
    retry_seconds=0.01,
    back_off_seconds=0.02,
    longest_wait_seconds=0.05,
    catch_up_speed=1000.0,
)
"""For tests that wait for nothing."""

MakeStt = Callable[..., RecordingSTT]


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
async def make_stt(recorder: MemoryRecorder) -> AsyncIterator[MakeStt]:
    """Make an STT for a server's URL; it is closed when the test ends."""
    made: list[RecordingSTT] = []

    def make(url: str, patience: Patience = QUICK, **options: Any) -> RecordingSTT:
        defaults = {
            "model": "universal-streaming-english", "sample_rate": 16_000, "format_turns": True,
            "min_turn_silence": 160, "max_turn_silence": 1280,
        }  # fmt: skip
        made.append(
            RecordingSTT(
                recorder=recorder,
                http_session=aiohttp.ClientSession(),
                patience=patience,
                api_key=KEY,
                base_url=url,
                **(defaults | options),
            )
        )
        return made[-1]

    yield make
    for stt in made:
        await stt.aclose()
