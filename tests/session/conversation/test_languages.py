"""Calls in languages that are written otherwise than English are stored and captioned as they were spoken."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from livekit.agents import JobContext, vad

from config import Settings
from tests.session.capturing.test_capture import says
from tests.session.conftest import Stage
from tests.session.memory_audio import Speaker
from tests.session.scene import Scene, patiently
from tests.speech.memory_recorder import MemoryRecorder
from tests.speech.scripted_llm import ScriptedLLM
from tests.speech.scripted_server import ScriptedServer, until_terminated, word
from tests.speech.scripted_tts import ScriptedTTS
from worker.session.capturing.capture import Capture
from worker.session.conversation.agents import build_agent
from worker.session.conversation.dialogue import build_session
from worker.speech.assemblyai import RecordingSTT
from worker.speech.llm import WriteAheadLLM
from worker.speech.providers import Speech, stt_options
from worker.speech.tts import WriteAheadTTS
from worker.transcript.events import AgentSaid, UserFinal, UserInterim
from worker.transcript.render import srt, text, vtt


@dataclass(frozen=True)
class Language:
    code: str
    name: str
    greeting: str
    words: tuple[str, ...]
    """As the recogniser tells them apart."""
    said: str
    answer: str


LANGUAGES = [
    Language(
        "es", "Spanish", "¡Hola! ¿En qué puedo ayudarle?",
        ("¿Tienen", "mañana", "una", "mesa", "para", "dos?"), "¿Tienen mañana una mesa para dos?",
        "Sí, señora: mañana a las ocho.",
    ),
    Language(
        "ja", "Japanese", "お電話ありがとうございます。",
        ("明日", "二名", "で", "予約", "でき", "ます", "か。"), "明日二名で予約できますか。",
        "はい、明日の八時に承りました。",
    ),
    Language(
        "ar", "Arabic", "مرحبًا، كيف يمكنني مساعدتك؟",
        ("هل", "لديكم", "طاولة", "لشخصين", "غدًا؟"), "هل لديكم طاولة لشخصين غدًا؟",
        "نعم، غدًا في الساعة الثامنة.",
    ),
]  # fmt: skip


@asynccontextmanager
async def staged(language: Language, recorder: MemoryRecorder, local_vad: vad.VAD) -> AsyncIterator[Scene]:
    settings = Settings.model_validate({"stt": {"api_key": "key"}, "agent": {"language": language.code}})
    model, voice = ScriptedLLM(says(language.greeting), says(language.answer)), ScriptedTTS()
    async with ScriptedServer(until_terminated).running() as server:
        options = stt_options(settings) | {"base_url": server.url}
        stt = RecordingSTT(recorder=recorder, http_session=aiohttp.ClientSession(), **options)
        speech = Speech(stt, WriteAheadLLM(model, recorder), WriteAheadTTS(voice, recorder))
        session = build_session(settings, speech, local_vad, recorder)
        recorder.session = session
        stage = Stage(session, Capture(session, recorder), recorder, model, voice, speech, server)
        yield Scene(stage, Speaker())
        await session.aclose()
        await speech.aclose()


def frame(language: Language, count: int, since_ms: int, **fields: Any) -> dict[str, Any]:
    """A `Turn` with the first `count` words, said since `since_ms` of the stream, written as the language is."""
    space = "" if language.code == "ja" else " "
    words = [word(each, since_ms + 20 * index) for index, each in enumerate(language.words[:count])]
    told = {"transcript": space.join(language.words[:count]), "language_code": language.code, "words": words}
    return {"type": "Turn", "turn_order": 0, "end_of_turn": False} | told | fields


async def played(scene: Scene) -> None:
    await patiently(scene.speaker.flushed.wait())
    scene.speaker.play_all()


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
async def test_a_call_in_a_language_is_asked_for_stored_and_captioned_in_it(
    language: Language, job: JobContext, local_vad: vad.VAD
) -> None:
    recorder = MemoryRecorder(began=time.time())
    async with staged(language, recorder, local_vad) as scene:
        settings = Settings.model_validate({"agent": {"language": language.code}})
        connection = await scene.begin(build_agent(settings))
        assert json.loads(connection.query["language_codes"]) == [language.code]
        await played(scene)
        await recorder.until(AgentSaid)
        greeted_at = len(connection.chunks)
        await connection.until(lambda self: len(self.chunks) >= greeted_at + 8)
        now = 50 * (greeted_at + 4)
        await connection.send(
            {"type": "SpeechStarted", "timestamp": now},
            frame(language, 2, now),
            frame(language, len(language.words), now, end_of_turn=True, turn_is_formatted=True),
        )
        await recorder.until(UserFinal)
        await played(scene)
        await recorder.until(AgentSaid, 2)
        (greeted, answered) = scene.stage.llm.requests
        assert f"Speak {language.name}." in str(greeted["chat_ctx"].to_dict())
        assert answered["user"] == [language.said]
        transcript = scene.transcript()
    assert [(turn.role, turn.text) for turn in transcript.turns] == [
        ("agent", language.greeting), ("user", language.said), ("agent", language.answer),
    ]  # fmt: skip
    user = transcript.turns[1]
    assert (user.language, tuple(each.text for each in user.words)) == (language.code, language.words)
    interims = recorder.of(UserInterim)
    assert [each.text for each in interims] == [frame(language, 2, 0)["transcript"]] * len(interims)
    for rendered in (srt.render(transcript), vtt.render(transcript), text.render(transcript)):
        # A line is broken between words, and in Japanese anywhere.
        on_one_line = rendered.replace("\n", "" if language.code == "ja" else " ")
        assert language.said in on_one_line
        assert language.answer in on_one_line
