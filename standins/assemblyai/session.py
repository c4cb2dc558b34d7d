"""One connection after the upgrade: reads frames, feeds the ear, sends what the turns say."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from standins.assemblyai import messages
from standins.assemblyai.audio import Ingest
from standins.assemblyai.engine import Ear, EngineError
from standins.assemblyai.faults import Abort, Close, ErrorFrame, Garbage, NoTermination, Stall, Timed
from standins.assemblyai.messages import Message
from standins.assemblyai.outbox import Outbox
from standins.assemblyai.parameters import ParameterError, Parameters, read_update
from standins.assemblyai.record import NO_CLOSE_FRAME, SessionRecord
from standins.assemblyai.turns import Turns
from standins.assemblyai.words import Observation
from standins.faults import Fault, FaultBoard

# AssemblyAI streaming API v3: the length of one audio message, in milliseconds.
SHORTEST_CHUNK_MS, LONGEST_CHUNK_MS = 50, 1000
# Its close codes.
SERVER_ERROR, INVALID_MESSAGE, INVALID_CHUNK, EXPIRED = 3005, 3006, 3007, 3008


class Refused(Exception):
    """The session ends with one of the service's own codes, an Error frame first."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Ordered(Exception):
    """The session is closed because a test wants it."""

    def __init__(self, close: Close) -> None:
        super().__init__()
        self.close = close


class Session:
    """A session from `Begin` to the end of its connection.

    Args:
        request: The upgrade's request.
        socket: The upgraded connection.
        parameters: What the client asked for.
        ear: The engine at work.
        turns: The model family at work.
        board: The armed faults.
        record: What the log shows.
        session_seconds: After which the session expires.
        latency_ms: Real time by which every message is late.
    """

    def __init__(
        self,
        *,
        request: web.Request,
        socket: web.WebSocketResponse,
        parameters: Parameters,
        ear: Ear,
        turns: Turns,
        board: FaultBoard[Fault],
        record: SessionRecord,
        session_seconds: float,
        latency_ms: int,
    ) -> None:
        self._request = request
        self._socket = socket
        self._parameters = parameters
        self._ear = ear
        self._turns = turns
        self._board = board
        self._record = record
        self._ingest = Ingest(parameters.encoding, parameters.sample_rate)
        self._outbox = Outbox(socket, latency_ms / 1000)
        self._session_seconds = session_seconds
        self._began = time.monotonic()
        self._short_chunk = False
        self._stalled = False
        self._turn_struck = False
        self._turns_said = 0
        self._ordered: Close | None = None
        """How the session is to be closed from outside."""
        self._waiting: asyncio.Timeout | None = None
        """Bounds the wait for the client's next frame."""

    async def run(self) -> None:
        """Serves the connection until one side ends it."""
        expires_at = int(time.time() + self._session_seconds)
        async with self._outbox:
            try:
                await self._send(messages.begin(self._record.id, expires_at, self._parameters.speech_model))
                while not self._socket.closed:
                    message = await self._receive()
                    if message.type == WSMsgType.BINARY:
                        await self._audio(message.data)
                    elif message.type == WSMsgType.TEXT:
                        if await self._control(message.data):
                            break
                    else:
                        break
            except Refused as refused:
                await self._close(refused.code, str(refused), says_error=True)
            except Ordered as ordered:
                await self.strike(ordered.close)
            except EngineError as error:
                await self._close(SERVER_ERROR, f"Session cancelled: {error}", says_error=True)
            except ConnectionError:
                pass  # The client went away while it was being answered.

    async def strike_from_outside(self, fault: Timed) -> None:
        """Does to this session what a fault says, whatever `run` is doing.

        A close is left to `run`: done beside it, it would end the connection with audio of the client's unread, which
        the system answers with a reset, and the client would lose the frames that tell why.
        """
        if not isinstance(fault, Close) or fault.code == NO_CLOSE_FRAME:
            await self.strike(fault)
            return
        self._ordered = fault
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def strike(self, fault: Timed) -> None:
        """Does to this session what a fault says."""
        match fault:
            case Close(code=code, reason=reason, says_error=says_error) if code != NO_CLOSE_FRAME:
                await self._close(code, reason, says_error=says_error)
            case Close() | Abort():
                abort(self._request)
            case ErrorFrame(code=code, message=sentence):
                await self._outbox.send(messages.error(code, sentence))
            case Stall():
                self._stalled = True
            case Garbage():
                await self._outbox.send_text('{"type":"Turn","turn_order":')

    async def _receive(self) -> WSMessage:
        """The next frame, unless the session expires or the client is silent for longer than it said."""
        left_s = self._began + self._session_seconds - time.monotonic()
        quiet_s = self._parameters.inactivity_timeout
        if self._ordered is not None:
            raise Ordered(self._ordered)
        try:
            async with asyncio.timeout(max(0.0, left_s if quiet_s is None else min(left_s, quiet_s))) as self._waiting:
                return await self._socket.receive()
        except TimeoutError:
            if self._ordered is not None:
                raise Ordered(self._ordered) from None
            if quiet_s is not None and quiet_s < left_s:
                raise Refused(INVALID_MESSAGE, "Inactivity timeout elapsed") from None
            raise Refused(EXPIRED, "Session expired: maximum session duration exceeded") from None
        finally:
            self._waiting = None

    async def _audio(self, chunk: bytes) -> None:
        duration_ms = self._ingest.duration_ms(chunk)
        if self._short_chunk or duration_ms > LONGEST_CHUNK_MS:
            raise Refused(
                INVALID_CHUNK,
                f"Input duration violation: {duration_ms:.1f} ms. "
                f"Expected between {SHORTEST_CHUNK_MS} and {LONGEST_CHUNK_MS} ms",
            )
        # A short chunk may only be the last one: what a client flushes before Terminate.
        self._short_chunk = duration_ms < SHORTEST_CHUNK_MS
        self._record.received(duration_ms, 1000 * (time.monotonic() - self._began))
        await self._observe(await self._ear.hear(self._ingest.decode(chunk)))

    async def _control(self, text: str) -> bool:
        """A text frame. Returns whether the session is over."""
        try:
            message: Any = json.loads(text)
        except json.JSONDecodeError:
            raise Refused(INVALID_MESSAGE, "Invalid JSON") from None
        match message.get("type") if isinstance(message, dict) else None:
            case "KeepAlive":
                pass
            case "UpdateConfiguration":
                self._record.updates.append(message)
                try:
                    self._parameters = self._parameters.changed(read_update(message))
                except ParameterError as error:
                    raise Refused(INVALID_MESSAGE, str(error)) from None
                self._turns.configure(self._parameters)
            case "ForceEndpoint":
                self._record.forced += 1
                await self._end_turn()
            case "Terminate":
                self._record.terminated = True
                return await self._terminate()
            case other:
                raise Refused(INVALID_MESSAGE, f"Invalid message type: {other}")
        return False

    async def _end_turn(self) -> None:
        await self._observe(await self._ear.settle())
        for message in self._turns.force():
            await self._say(message)

    async def _terminate(self) -> bool:
        await self._end_turn()
        if self._stalled or self._board.take(lambda fault: isinstance(fault, NoTermination)):
            return False
        if self._parameters.speaker_labels:
            await self._send(messages.speaker_revision(self._turns_said))
        await self._send(messages.termination(self._record.audio_ms, time.monotonic() - self._began))
        await self._close(1000, "", says_error=False)
        return True

    async def _observe(self, observations: list[Observation]) -> None:
        for observation in observations:
            for message in self._turns.observe(observation):
                await self._say(message)

    async def _say(self, message: Message) -> None:
        """Sends a message, and lets faults strike that waited for it."""
        await self._send(self._with_extras(message))
        if message["type"] != "Turn":
            return
        if message["end_of_turn"]:
            self._ear.turn_ended()
            self._turns_said = max(self._turns_said, message["turn_order"] + 1)
            self._turn_struck = False
            done = message["turn_order"] + 1
            if message["turn_is_formatted"] or not self._parameters.format_turns:
                await self._strike_armed(lambda fault: fault.when == "after_turns" and fault.turns <= done)
        elif not self._turn_struck:
            self._turn_struck = True
            await self._strike_armed(lambda fault: fault.when == "mid_turn")

    def _with_extras(self, message: Message) -> Message:
        if message["type"] == "Turn":
            if self._parameters.speaker_labels:
                message["speaker_label"] = "A"
            if self._parameters.language_detection and message["end_of_turn"]:
                codes = self._parameters.language_codes or ["en"]
                message |= {"language_code": codes[0], "language_confidence": 0.98}
        return message

    async def _strike_armed(self, wanted: Callable[[Timed], bool]) -> None:
        fault = self._board.take(lambda fault: isinstance(fault, Timed) and wanted(fault))
        if isinstance(fault, Timed):
            await self.strike(fault)

    async def _send(self, message: Message) -> None:
        if not self._stalled:
            self._record.sent(message)
            await self._outbox.send(message)

    async def _close(self, code: int, reason: str, *, says_error: bool) -> None:
        if says_error:
            await self._outbox.send(messages.error(code, reason))
        await self._outbox.drain()
        # Noted first: the client may ask for the log as soon as it has the close frame.
        self._record.close(code)
        # A reason has at most 123 bytes in a close frame (RFC 6455, section 5.5).
        await self._socket.close(code=code, message=reason.encode()[:123])


def abort(request: web.Request) -> None:
    """Ends the TCP connection at once."""
    if request.transport is not None:
        request.transport.abort()
