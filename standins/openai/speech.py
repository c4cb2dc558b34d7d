"""`POST /v1/audio/speech`: a local voice behind the API's wire.

Only `wav` and `pcm` are made. A request for a compressed format gets WAV with a content type that says so,
never as events, because a client takes what events carry for the format that it asked for.
"""

import asyncio
import io
import secrets
import wave
from collections.abc import AsyncIterator

from aiohttp import web

from standins.faults import FaultBoard
from standins.openai import faults, frames
from standins.openai.log import Log, SpeechEntry, ended
from standins.openai.parse import parse
from standins.openai.requests import SpeechRequest
from standins.openai.settings import Settings
from standins.openai.stream import faulted, stream
from standins.voices import Synthesizer, VoiceError

SAMPLE_RATE = 24000  # OpenAI API reference, "Text to speech", supported output formats: pcm
BYTES_PER_MS = SAMPLE_RATE * 2 // 1000
PIECE_BYTES = 100 * BYTES_PER_MS


class Speech:
    """The speech side of the stand-in.

    Attributes:
        settings: The delay; may be replaced while it runs.
    """

    def __init__(
        self,
        settings: Settings,
        board: FaultBoard[faults.RequestFault],
        log: Log,
        synthesizer: Synthesizer,
    ) -> None:
        self.settings = settings
        self._board = board
        self._log = log
        self._synthesizer = synthesizer

    async def speak(self, request: web.Request) -> web.StreamResponse:
        """Answers one request: events, or the bare audio."""
        due = asyncio.get_running_loop().time() + self.settings.first_byte_ms / 1000
        asked = await parse(request, SpeechRequest)
        entry = SpeechEntry(asked.input, asked.voice_name, asked.model, asked.response_format, asked.stream_format)
        self._log.speech.append(entry)
        fault = self._board.take(lambda armed: armed.service in (None, "speech") and armed.fault != "refuse")
        if fault is not None and (instead := await faulted(request, entry, fault)) is not None:
            return instead
        try:
            pcm = await self._synthesizer.speak(asked.input, asked.voice_name, SAMPLE_RATE)
        except VoiceError as error:
            ended(entry, "refused")
            return faults.refused(500, str(error))
        entry.audio_ms = len(pcm) / BYTES_PER_MS
        audio = pcm if asked.response_format == "pcm" else _wav(pcm)
        as_events = asked.stream_format == "sse" and asked.response_format in ("pcm", "wav")
        if as_events:
            content_type = "text/event-stream"
        else:
            content_type = "audio/pcm" if asked.response_format == "pcm" else "audio/wav"
        pieces = _pieces(asked, audio, due, as_events=as_events, seconds=entry.audio_ms / 1000)
        headers = {"Content-Type": content_type, "x-request-id": f"req_{secrets.token_hex(8)}"}
        return await stream(request, entry, pieces, headers=headers, fault=fault)


async def _pieces(
    asked: SpeechRequest, audio: bytes, due: float, *, as_events: bool, seconds: float
) -> AsyncIterator[bytes]:
    """The audio from the moment it is due (in the loop's time), a tenth of a second in each piece."""
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
    for start in range(0, len(audio), PIECE_BYTES):
        piece = audio[start : start + PIECE_BYTES]
        yield frames.audio_delta(piece) if as_events else piece
    if as_events:
        yield frames.audio_done(len(asked.input.split()), seconds)


def _wav(pcm: bytes) -> bytes:
    """The samples as a WAV file: 24 kHz, 16 bit, mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(pcm)
    return file.getvalue()
