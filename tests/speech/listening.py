"""A stream of the STT under test, with a caller who makes sounds."""

import asyncio
import contextlib
from array import array
from collections.abc import AsyncIterator

from livekit import rtc
from livekit.agents import APIConnectOptions, stt

from tests.speech.conftest import PATIENT
from tests.speech.memory_recorder import PATIENCE_S
from tests.speech.scripted_server import Connection, Step
from worker.speech.assemblyai import RecordingStream, RecordingSTT

Kind = stt.SpeechEventType


def sound(milliseconds: int, peak: int) -> rtc.AudioFrame:
    """Audio whose samples are all `peak`."""
    samples = 16 * milliseconds
    return rtc.AudioFrame(array("h", [peak] * samples).tobytes(), 16_000, 1, samples)


def silence(milliseconds: int) -> rtc.AudioFrame:
    return sound(milliseconds, 0)


def voice(milliseconds: int, mark: int = 0) -> rtc.AudioFrame:
    """Audio that counts as speech; `mark` tells it apart from other speech."""
    return sound(milliseconds, 4000 + mark)


@contextlib.asynccontextmanager
async def listening(owner: RecordingSTT, conn_options: APIConnectOptions = PATIENT) -> AsyncIterator[RecordingStream]:
    """A stream of a caller who is there, and says nothing yet."""
    stream = owner.stream(conn_options=conn_options)
    stream.push_frame(silence(50))
    try:
        yield stream
    finally:
        await stream.aclose()
        await owner.farewells()


async def heard(stream: RecordingStream, kind: stt.SpeechEventType) -> stt.SpeechEvent:
    """The next event of that kind."""
    async with asyncio.timeout(PATIENCE_S):
        async for event in stream:
            if event.type is kind:
                return event
    raise AssertionError(f"the stream ended without {kind}")


async def failure_of(stream: RecordingStream) -> BaseException:
    """What ends the stream."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            async for _ in stream:
                pass
        except Exception as error:
            return error
    raise AssertionError("the stream ended without an error")


def says(*frames: dict[str, object]) -> Step:
    async def script(connection: Connection) -> None:
        await connection.begin()
        await connection.send(*frames)
        await connection.end()

    return script
