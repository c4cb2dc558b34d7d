"""A session wired as in a call, with an LLM and a TTS that the test scripts, and no room."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from livekit.agents import JobContext, vad
from livekit.agents.testing import fake_job_context

from config import Settings
from tests.speech.memory_recorder import MemoryRecorder
from tests.speech.scripted_llm import ScriptedLLM
from tests.speech.scripted_server import ScriptedServer, until_terminated
from tests.speech.scripted_tts import ScriptedTTS
from worker.session.capturing.capture import Capture
from worker.session.conversation.dialogue import CallSession, build_session
from worker.speech.assemblyai import RecordingSTT
from worker.speech.llm import WriteAheadLLM
from worker.speech.providers import Speech, load_vad, stt_options
from worker.speech.tts import WriteAheadTTS

SETTINGS = Settings.model_validate({"stt": {"api_key": "key"}})


@dataclass
class Stage:
    """What a test of a session needs."""

    session: CallSession
    capture: Capture
    recorder: MemoryRecorder
    llm: ScriptedLLM
    tts: ScriptedTTS
    speech: Speech
    server: ScriptedServer
    """Stands for AssemblyAI; connected to when the session starts."""


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture(scope="session")
def local_vad() -> vad.VAD:
    return load_vad(SETTINGS)


@pytest.fixture
async def job() -> AsyncIterator[JobContext]:
    with fake_job_context() as context:
        yield context


@pytest.fixture
async def stage(job: JobContext, recorder: MemoryRecorder, local_vad: vad.VAD) -> AsyncIterator[Stage]:
    model, voice = ScriptedLLM(), ScriptedTTS()
    async with ScriptedServer(until_terminated).running() as server:
        options = stt_options(SETTINGS) | {"base_url": server.url}
        stt = RecordingSTT(recorder=recorder, http_session=aiohttp.ClientSession(), **options)
        speech = Speech(stt, WriteAheadLLM(model, recorder), WriteAheadTTS(voice, recorder))
        session = build_session(SETTINGS, speech, local_vad, recorder)
        recorder.session = session
        yield Stage(session, Capture(session, recorder), recorder, model, voice, speech, server)
        await session.aclose()
        await speech.aclose()
