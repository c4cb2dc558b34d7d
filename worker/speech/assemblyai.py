"""AssemblyAI streaming STT, with every final on disk before the session sees it.

Differs from the stock stream (livekit-plugins-assemblyai 1.8.9) in what it promises:

* a refused, failed or slow connection is one of the framework's retryable errors, so that the
  session asks again instead of staying deaf for the rest of the call;
* an `Error` frame's code and sentence reach the error that follows;
* `Terminate` is sent whenever a stream ends, and its `Termination` is awaited beside the caller
  (AssemblyAI bills an abandoned socket until its three-hour cap);
* what the server said is journaled as it arrives, and awaited before the session gets it.

Bent: `SpeechStream._run`, `_connect_ws`, `_process_stream_event` and `_config_update_queue`;
`tests/speech/test_assemblyai_contract.py` fails when the plugin changes them.
"""

import asyncio
import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    stt,
    utils,
)
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.plugins import assemblyai

from worker.speech.deafness import Deafness
from worker.speech.recorder import Recorder
from worker.speech.turn_frames import TurnJournal
from worker.transcript.events import ErrorRaised, SttClosed, SttOpened

logger = logging.getLogger("verbatim.stt")

TERMINATION_SECONDS = 1.5
"""How long a `Termination` is awaited after `Terminate`, before the socket is closed."""

CHUNK_MS = 50
"""Audio per message; AssemblyAI takes 50 to 1000 ms (streaming API, "Audio requirements")."""


class RecordingSTT(assemblyai.STT):
    """The plugin's STT with our streams.

    Args:
        recorder: takes what the server says.
        http_session: carries the sockets; closed by `aclose`.
        options: passed to `assemblyai.STT` unchanged.
    """

    def __init__(self, *, recorder: Recorder, http_session: aiohttp.ClientSession, **options: Any) -> None:
        super().__init__(http_session=http_session, **options)
        self._recorder = recorder
        self._http_session = http_session
        self._farewells: set[asyncio.Task[None]] = set()
        self.deafness = Deafness(recorder)
        self.disregards: Callable[[stt.SpeechEvent], bool] = lambda _: False
        """Tells which events are journaled and go no further."""

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> "RecordingStream":
        """Return a stream; `language` is set at construction, as with the plugin."""
        stream = RecordingStream(
            owner=self,
            recorder=self._recorder,
            opts=dataclasses.replace(self._opts),
            conn_options=conn_options,
            api_key=self._api_key,
            http_session=self._http_session,
            base_url=self._base_url,
        )
        self._streams.add(stream)
        return stream

    @property
    def words_pending(self) -> bool:
        """Whether a stream has heard words that no final has confirmed yet."""
        return any(isinstance(s, RecordingStream) and s.words_pending for s in self._streams)

    def force_endpoint(self) -> None:
        """Have the turn that goes on finished now."""
        for stream in self._streams:
            stream.force_endpoint()

    def bid_farewell(self, task: asyncio.Task[None]) -> None:
        """Own `task`, which waits for a `Termination`, until it is done."""
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def farewells(self) -> None:
        """Wait until every ended stream has its `Termination`, or gave up on it."""
        while self._farewells:
            await asyncio.wait(set(self._farewells))

    async def aclose(self) -> None:
        """Wait for the farewells and close the HTTP session."""
        await self.farewells()
        await super().aclose()
        await self._http_session.close()


class RecordingStream(assemblyai.SpeechStream):
    """One stream of the caller's audio; each connection it makes is one provider session."""

    def __init__(self, *, owner: RecordingSTT, recorder: Recorder, **stream: Any) -> None:
        super().__init__(stt=owner, **stream)
        self._owner = owner
        self._recorder = recorder
        self._turns = TurnJournal(recorder)
        self._last_error: str | None = None
        self._terminated = False
        self._unsent_seconds = 0.0
        """How much audio waits behind what is sent now, which was heard so long ago."""

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Take audio, just heard, to be recognised."""
        self._unsent_seconds += frame.duration
        super().push_frame(frame)

    async def aclose(self) -> None:
        """End the stream at once; its `Terminate` and `Termination` go on beside the caller."""
        if self._task.done() or self._input_ch.closed:
            await super().aclose()
            return
        self.end_input()
        self._owner.bid_farewell(asyncio.create_task(self._finish()))

    async def _finish(self) -> None:
        await asyncio.wait({self._task}, timeout=TERMINATION_SECONDS)
        await super().aclose()

    async def __anext__(self) -> stt.SpeechEvent:
        event = await super().__anext__()
        while self._owner.disregards(event):
            event = await super().__anext__()
        if event.type in (
            stt.SpeechEventType.FINAL_TRANSCRIPT,
            stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
        ):
            await self._recorder.settled()
        return event

    @property
    def words_pending(self) -> bool:
        """Whether words were heard that no final has confirmed yet."""
        return self._turns.pending

    @property
    def _ended(self) -> bool:
        return self._input_ch.closed

    async def _run(self) -> None:
        try:
            await self._listen(await self._connect())
        except APIError:
            self._owner.deafness.begins()
            raise

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._turns.begin(start_time=time.time())
        self._terminated, self._last_error = False, None
        audio = asyncio.create_task(self._send_audio(socket))
        receiver = asyncio.create_task(self._receive(socket))
        configuration = asyncio.create_task(self._send_configuration(socket))
        try:
            await asyncio.wait({audio, receiver}, return_when=asyncio.FIRST_COMPLETED)
            if not receiver.done():
                await asyncio.wait({receiver}, timeout=TERMINATION_SECONDS if self._ended else None)
            if receiver.done():
                receiver.result()
        finally:
            await utils.aio.cancel_and_wait(audio, receiver, configuration)
            self._turns.end()
            if not self._terminated and self._turns.session:
                self._record_closed(code=socket.close_code)
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await socket.close()

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        self._turns.session = ""
        try:
            async with asyncio.timeout(self._conn_options.timeout):
                return await self._connect_ws()
        except TimeoutError:
            raise APITimeoutError(f"AssemblyAI did not answer within {self._conn_options.timeout:.0f} s") from None
        except aiohttp.WSServerHandshakeError as error:
            # `from None`: the original holds the request's headers, and with them the key.
            raise APIStatusError(
                f"AssemblyAI refused the connection with HTTP status {error.status}",
                status_code=error.status,
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise APIConnectionError(f"AssemblyAI could not be reached ({type(error).__name__})") from None

    async def _send_audio(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        chunks = utils.audio.AudioByteStream(
            sample_rate=self._opts.sample_rate,
            num_channels=1,
            samples_per_channel=self._opts.sample_rate * CHUNK_MS // 1000,
        )
        try:
            async for frame in self._input_ch:
                if isinstance(frame, self._FlushSentinel):
                    continue  # a shorter chunk would be out of bounds; the rest goes with the next one
                self._unsent_seconds -= frame.duration
                self._turns.clock.send(frame.duration, time.time() - self._unsent_seconds)
                self.start_time = self._turns.clock.zero
                for chunk in chunks.write(frame.data.tobytes()):
                    self._speech_duration += chunk.duration
                    await socket.send_bytes(chunk.data.tobytes())
            for chunk in chunks.flush():
                silence = bytes(2 * (self._opts.sample_rate * CHUNK_MS // 1000) - len(chunk.data) * 2)
                await socket.send_bytes(chunk.data.tobytes() + silence)
            await socket.send_json({"type": "Terminate"})
        except (aiohttp.ClientError, ConnectionError):
            return  # the receiver sees the same end of the socket, and knows its reason

    async def _send_configuration(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            while True:
                await socket.send_json(await self._config_update_queue.get())

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async with asyncio.timeout(self._conn_options.timeout) as until_begin:
                async for frame in _frames(socket):
                    if frame.get("type") == "Begin":
                        until_begin.reschedule(None)
                    if self._take(frame):
                        break
        except TimeoutError:
            raise APITimeoutError(f"AssemblyAI began no session within {self._conn_options.timeout:.0f} s") from None
        if self._ended:
            return
        raise APIStatusError(
            f"AssemblyAI closed the connection with code {socket.close_code}"
            + (f": {self._last_error}" if self._last_error else ""),
            status_code=socket.close_code or -1,
            retryable=True,
        )

    def _take(self, frame: dict[str, Any]) -> bool:
        """Journal `frame` and hand it to the plugin; return whether it was the last one."""
        kind = frame.get("type")
        if kind == "Begin":
            self._turns.session = str(frame.get("id", ""))
            self._owner.deafness.ends()
            self._recorder.append(
                SttOpened(
                    stream=self._turns.session,
                    session=self._turns.session,
                    participant=self._recorder.participant or None,
                )
            )
        elif kind == "Turn":
            if not self._turns.take(frame):
                return False
        elif kind == "Error":
            self._last_error = str(frame.get("error", ""))
            self._recorder.append(
                ErrorRaised(source="stt", code=str(frame.get("error_code", "")), message=self._last_error)
            )
        elif kind == "Termination":
            self._terminated = True
            billed = frame.get("session_duration_seconds")
            self._record_closed(billed_seconds=billed if isinstance(billed, int | float) else None)
        try:
            self._process_stream_event(frame)
        except Exception as error:  # its text may quote the message
            logger.error("the AssemblyAI plugin cannot read a %s message: %s", kind, type(error).__name__)
        return kind == "Termination"

    def _record_closed(self, *, code: int | None = None, billed_seconds: float | None = None) -> None:
        self._recorder.append(
            SttClosed(
                stream=self._turns.session,
                session=self._turns.session,
                code=code,
                reason=self._last_error or "",
                billed_seconds=billed_seconds,
            )
        )


async def _frames(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON objects that arrive until the socket ends; what is none is logged without its text."""
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            continue
        try:
            frame = json.loads(message.data, object_hook=_without_nulls)
        except ValueError:
            logger.warning("AssemblyAI sent %d characters that are not JSON", len(message.data))
            continue
        if isinstance(frame, dict):
            yield frame


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    """A field that is null says as much as one that is missing."""
    return {name: value for name, value in fields.items() if value is not None}
