"""Exchanges with AssemblyAI's streaming API, or its stand-in.

Source: AssemblyAI streaming API v3: messages, connection parameters, session errors and closures.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

import aiohttp

from standins.voices import Synthesizer
from tests.contract.probe import CONNECT_WITHIN_S, Probe, Use
from tests.contract.recording import Frame, Recorder
from tests.contract.services import UNIVERSAL_3, UNIVERSAL_STREAMING, StreamingService

SAMPLE_RATE = 16_000
BYTES_PER_MS = 32
CHUNK_MS = 50
NO_CLOSE_FRAME = 1006
ENDED_WITHIN_S = 20.0
CLOSED_WITHIN_S = 2.0

SENTENCE = "What are your opening hours?"
UNFINISHED = "I would like to make an appointment for"
VOICE = "slt"

SILENCES = {UNIVERSAL_3: (100, 1000), UNIVERSAL_STREAMING: (400, 1280)}
"""`min_turn_silence` and `max_turn_silence` in milliseconds, both always given, as the worker does."""

LISTEN_MS = 4000  # silence that is sent at most after a sentence until its turn has ended
LONG_SILENCE_MS = 6000  # longer than any probe is silent: only ForceEndpoint can end the turn

# Refused by everyone: the service takes a key as it is, and no key has a scheme before it.
WRONG_KEY = "Bearer 00000000000000000000000000000000"


class Session:
    """An open session: sends audio and messages; what comes is noted by a task that ends with the connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, recorder: Recorder, *, real_time: bool) -> None:
        self._socket = socket
        self._recorder = recorder
        self._real_time = real_time
        self._news = asyncio.Event()
        self._due = asyncio.get_running_loop().time()
        self.reading = asyncio.create_task(self._read(), name="read session")

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._recorder.text(message.data)
                    self._news.set()
        finally:
            code = self._socket.close_code
            self._recorder.close_code = NO_CLOSE_FRAME if code is None else code
            self._news.set()

    async def send(self, message_type: str, **fields: Any) -> None:
        """A control message; its moment is noted."""
        self._recorder.moment(message_type)
        await self.send_text(json.dumps({"type": message_type, **fields}))

    async def send_text(self, text: str) -> None:
        """A text frame. Into a closed connection nothing is sent."""
        with contextlib.suppress(ConnectionError):
            await self._socket.send_str(text)

    async def play(self, pcm: bytes, chunk_ms: int = CHUNK_MS, until: Callable[[Frame], bool] | None = None) -> None:
        """Audio, at the pace at which it was spoken where the service wants that, until a message has come."""
        loop = asyncio.get_running_loop()
        size = chunk_ms * BYTES_PER_MS
        for start in range(0, len(pcm), size):
            if self.reading.done() or (until is not None and self._has(until)):
                return
            if self._real_time:
                await asyncio.sleep(max(0.0, self._due - loop.time()))
            with contextlib.suppress(ConnectionError):
                await self._socket.send_bytes(pcm[start : start + size].ljust(size, b"\0"))
            self._due = max(self._due, loop.time() - 1) + chunk_ms / 1000

    async def wait_for(self, wanted: Callable[[Frame], bool], within_s: float = ENDED_WITHIN_S) -> None:
        """Wait until a message has come, the connection is over, or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not (self.reading.done() or self._has(wanted)):
                    self._news.clear()
                    await self._news.wait()

    async def end(self) -> None:
        """Terminate, unless the service has ended it already, and what follows up to the close."""
        if not self.reading.done():
            await self.send("Terminate")
        await self.closed()

    async def closed(self) -> None:
        """Wait for the close; a session that stays open is closed from here, for it costs money."""
        await asyncio.wait({self.reading}, timeout=ENDED_WITHIN_S)
        self._recorder.in_time = self.reading.done()

    def _has(self, wanted: Callable[[Frame], bool]) -> bool:
        return any(wanted(frame) for frame in self._recorder.frames)


@contextlib.asynccontextmanager
async def session(
    service: StreamingService, recorder: Recorder, family: str, *, key: str | None
) -> AsyncIterator[Session | None]:
    """A session of a family's model; None when the upgrade was refused, whose status is then noted."""
    url = f"{service.url}/v3/ws?{urlencode(_query(service, family))}"
    headers = {} if key is None else {"Authorization": key}
    async with aiohttp.ClientSession(proxy=service.proxy, trust_env=False) as http:
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                closing = aiohttp.ClientWSTimeout(ws_close=CLOSED_WITHIN_S)
                socket = await http.ws_connect(url, headers=headers, timeout=closing)
        except aiohttp.WSServerHandshakeError as refused:
            recorder.status = refused.status
            yield None
            return
        recorder.moment("connected")
        opened = Session(socket, recorder, real_time=service.real_time)
        try:
            yield opened
        finally:
            await socket.close()
            opened.reading.cancel()
            await asyncio.gather(opened.reading, return_exceptions=True)


def _query(service: StreamingService, family: str) -> dict[str, Any]:
    shortest, longest = SILENCES[family]
    query = {
        "sample_rate": SAMPLE_RATE,
        "encoding": "pcm_s16le",
        "speech_model": service.models[family],
        "min_turn_silence": shortest,
        "max_turn_silence": longest,
        "vad_threshold": 0.3,
    }
    return query | ({"format_turns": "true"} if family == UNIVERSAL_STREAMING else {})


@cache
def spoken(text: str) -> bytes:
    """A sentence by a local voice, 16 kHz, 16 bit, mono. It blocks for the time of the synthesis."""
    return asyncio.run(Synthesizer().speak(text, VOICE, SAMPLE_RATE))


def silence(milliseconds: int) -> bytes:
    """No sound."""
    return bytes(milliseconds * BYTES_PER_MS)


def begun(frame: Frame) -> bool:
    """Whether the session has begun."""
    return frame.kind == "Begin"


def last_final(family: str) -> Callable[[Frame], bool]:
    """Whether a turn is over: with Universal-Streaming when the formatted final has come too."""

    def is_last(frame: Frame) -> bool:
        if frame.kind != "Turn" or not frame.form.get("end_of_turn"):
            return False
        return family == UNIVERSAL_3 or bool(frame.form.get("turn_is_formatted"))

    return is_last


async def _say(text: str, family: str, service: StreamingService, recorder: Recorder) -> None:
    pcm = await asyncio.to_thread(spoken, text)
    async with session(service, recorder, family, key=service.key) as opened:
        if opened is None:
            return
        await opened.wait_for(begun)
        await opened.play(silence(300) + pcm)
        recorder.moment("end of speech")
        await opened.play(silence(LISTEN_MS), until=last_final(family))
        await opened.wait_for(last_final(family), within_s=2)
        await opened.end()


async def _force(family: str, service: StreamingService, recorder: Recorder) -> None:
    pcm = await asyncio.to_thread(spoken, UNFINISHED)
    async with session(service, recorder, family, key=service.key) as opened:
        if opened is None:
            return
        await opened.wait_for(begun)
        await opened.send("UpdateConfiguration", min_turn_silence=LONG_SILENCE_MS, max_turn_silence=LONG_SILENCE_MS)
        await opened.play(silence(300) + pcm + silence(500))
        await opened.send("ForceEndpoint")
        await opened.wait_for(last_final(family))
        await opened.end()


async def _nothing_said(service: StreamingService, recorder: Recorder) -> None:
    async with session(service, recorder, UNIVERSAL_3, key=service.key) as opened:
        if opened is not None:
            await opened.wait_for(begun)
            await opened.play(silence(1000))
            await opened.end()


async def _with_key(key: str | None, service: StreamingService, recorder: Recorder) -> None:
    async with session(service, recorder, UNIVERSAL_3, key=key) as opened:
        if opened is not None:
            await opened.wait_for(begun)
            await opened.end()


async def _chunks(chunk_ms: int, total_ms: int, service: StreamingService, recorder: Recorder) -> None:
    async with session(service, recorder, UNIVERSAL_3, key=service.key) as opened:
        if opened is not None:
            await opened.wait_for(begun)
            await opened.play(silence(total_ms), chunk_ms)
            await opened.closed()


async def _text(text: str, service: StreamingService, recorder: Recorder) -> None:
    async with session(service, recorder, UNIVERSAL_3, key=service.key) as opened:
        if opened is not None:
            await opened.wait_for(begun)
            await opened.send_text(text)
            await opened.closed()


StreamingProbe = Probe[StreamingService]


def _of(family: str, name: str, run: Callable[..., Awaitable[None]], seconds: float) -> StreamingProbe:
    return Probe(f"{family}: {name}", run, Use(session_seconds=seconds), family)


FAMILIES = (UNIVERSAL_3, UNIVERSAL_STREAMING)
SENTENCES = {family: _of(family, "a spoken sentence", partial(_say, SENTENCE, family), 6) for family in FAMILIES}
UNFINISHED_SENTENCES = {
    family: _of(family, "a sentence that is not finished", partial(_say, UNFINISHED, family), 7) for family in FAMILIES
}
FORCED = {
    family: _of(family, "a turn that is ended by ForceEndpoint", partial(_force, family), 6) for family in FAMILIES
}
NOTHING_SAID = _of(UNIVERSAL_3, "nothing said", _nothing_said, 3)
WITHOUT_KEY = _of(UNIVERSAL_3, "no key", partial(_with_key, None), 0)
REFUSED_KEY = _of(UNIVERSAL_3, "a wrong key", partial(_with_key, WRONG_KEY), 0)
SHORT_CHUNKS = _of(UNIVERSAL_3, "chunks of 10 ms", partial(_chunks, 10, 200), 3)
LONG_CHUNKS = _of(UNIVERSAL_3, "chunks of 1500 ms", partial(_chunks, 1500, 3000), 3)
NO_JSON = _of(UNIVERSAL_3, "a message that is no JSON", partial(_text, "{"), 3)
UNKNOWN_MESSAGE = _of(UNIVERSAL_3, "a message of an unknown type", partial(_text, '{"type": "Unheard"}'), 3)

STREAMING_PROBES: tuple[StreamingProbe, ...] = (
    *SENTENCES.values(),
    *UNFINISHED_SENTENCES.values(),
    *FORCED.values(),
    NOTHING_SAID,
    WITHOUT_KEY,
    REFUSED_KEY,
    SHORT_CHUNKS,
    LONG_CHUNKS,
    NO_JSON,
    UNKNOWN_MESSAGE,
)
"""All of them, for the cost of a run."""
