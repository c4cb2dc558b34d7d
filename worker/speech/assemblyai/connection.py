"""One session with AssemblyAI, from the handshake to the end of its socket."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import aiohttp

from worker.speech.assemblyai.decisions import (
    NO_ANSWER,
    NO_BEGIN,
    WITHOUT_A_REASON,
    Decision,
    closed,
    refused,
    unreachable,
)
from worker.speech.assemblyai.patience import Patience
from worker.speech.recorder import Recorder
from worker.transcript.events import SttClosed, SttOpened

logger = logging.getLogger("verbatim.stt")

PING_SECONDS: Final = 5.0
"""After which a connection without messages is asked whether it lives; half as long later it counts as dead."""

CLOSE_SECONDS: Final = 1.0
"""How long a server may take to answer a close frame."""

NO_CLOSE_FRAME: Final = 1006
"""What RFC 6455 calls a connection that ended without a close frame."""

NO_STATUS: Final = 1005
"""The same of a close frame without a code."""

INTERNAL_ERROR: Final = 1011
"""RFC 6455; stands for an `Error` message without a code."""

Frame = dict[str, Any]

Open = Callable[[], Awaitable[aiohttp.ClientWebSocketResponse]]


class SessionFailed(Exception):
    """A session could not begin, or ended unasked."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.code)
        self.decision = decision


class Pinging:
    """An HTTP session whose sockets notice a network that is gone; the plugin's own wait for ever."""

    def __init__(self, http_session: aiohttp.ClientSession) -> None:
        self._http_session = http_session

    def as_session(self) -> aiohttp.ClientSession:
        """Return this where the plugin wants a session, of which it uses `ws_connect` alone."""
        return cast("aiohttp.ClientSession", self)

    async def ws_connect(self, url: str, *, headers: dict[str, str]) -> aiohttp.ClientWebSocketResponse:
        """Open a socket."""
        patience = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)
        return await self._http_session.ws_connect(url, headers=headers, heartbeat=PING_SECONDS, timeout=patience)


async def connect(open_socket: Open, recorder: Recorder, patience: Patience) -> "Connection":
    """Return a connection on which no session has begun yet.

    Raises:
        SessionFailed: nobody answered, or the answer was no.
    """
    try:
        async with asyncio.timeout(patience.connect_seconds):
            return Connection(await open_socket(), recorder, patience)
    except TimeoutError:
        raise SessionFailed(NO_ANSWER) from None
    except aiohttp.WSServerHandshakeError as error:
        # `from None`: the original holds the request's headers, and with them the key.
        retry_after = error.headers.get("Retry-After") if error.headers else None
        raise SessionFailed(refused(error.status, retry_after)) from None
    except (aiohttp.ClientError, OSError) as error:
        raise SessionFailed(unreachable(error)) from None


class Connection:
    """The socket of one session, and what the journal is told of it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, recorder: Recorder, patience: Patience) -> None:
        self._socket = socket
        self._recorder = recorder
        self._patience = patience
        self._stream = ""
        self._session = ""
        self._error: tuple[int, str] | None = None
        """Code and sentence of an `Error` message, or of the close frame."""
        self._deadline: float | None = asyncio.get_running_loop().time() + patience.connect_seconds
        """When the next message must be there, on the loop's clock."""
        self._leaving = False
        self._closed = False
        self.terminated = False
        """Whether `Termination` has come: everything that was sent is final, and paid for."""

    def began(self, stream: str, session: str) -> None:
        """Journal that the session began."""
        self._stream, self._session = stream, session
        self._recorder.append(SttOpened(stream=stream, session=session, participant=self._recorder.participant or None))

    async def send_audio(self, data: bytes) -> None:
        """Send one message of audio.

        Raises:
            aiohttp.ClientError, ConnectionError: the socket is gone; `frames` tells why.
        """
        await self._socket.send_bytes(data)

    async def send(self, message: Frame) -> None:
        """Send a control message; on a socket that is gone, do nothing."""
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            await self._socket.send_json(message)

    async def terminate(self) -> None:
        """Tell the server that no more audio comes. It ends the session then, and the bill."""
        if not self._leaving:
            self._leaving = True
            await self.send({"type": "Terminate"})

    async def frame(self) -> Frame | None:
        """Return the next message; None when the session is over, by `Termination` or after `terminate`.

        Raises:
            SessionFailed: the session did not begin, or ended unasked.
        """
        if self.terminated:
            return None
        try:
            async with asyncio.timeout_at(self._deadline):
                frame = await self._receive()
        except TimeoutError:
            if self._error is None:
                raise SessionFailed(NO_BEGIN) from None
            frame = None  # an `Error` message after which the server forgot to close
        if frame is not None:
            self._note(frame)
        elif not self._leaving:
            raise SessionFailed(closed(*self._why()))
        return frame

    def _note(self, frame: Frame) -> None:
        kind = frame.get("type")
        if kind == "Begin":
            self._deadline = None
        elif kind == "Error" and self._error is None:
            code = frame.get("error_code")
            self._error = (code if isinstance(code, int) else INTERNAL_ERROR, str(frame.get("error", "")))
            self._deadline = asyncio.get_running_loop().time() + self._patience.error_seconds
        elif kind == "Termination":
            self.terminated = True
            self._record_closed(billed_seconds=frame.get("session_duration_seconds"))

    async def farewell(self, take: Callable[[Frame], None]) -> None:
        """Say `Terminate` if nobody has, give the server its time to answer, and close.

        Args:
            take: is given what the server still says.
        """
        if self._leaving or self._socket.closed:
            await self.close()
            return
        self._deadline = None
        with contextlib.suppress(SessionFailed, TimeoutError):
            async with asyncio.timeout(self._patience.termination_seconds):
                await self.terminate()
                while (frame := await self.frame()) is not None:
                    take(frame)
        await self.close()

    async def close(self) -> None:
        """Close the socket, and journal the end of the session if nothing has told it."""
        if self._session:
            code, reason = self._why()
            self._record_closed(code=None if self._leaving else code, reason=reason)
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await self._socket.close()

    async def _receive(self) -> Frame | None:
        """Return the next JSON object, None when the socket is at its end; the rest is logged without its text."""
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE and self._error is None:
                # The socket itself calls it 1006 where it could not answer any more.
                self._error = (int(message.data or NO_STATUS), str(message.extra or ""))
            if message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                return None
            try:
                frame = json.loads(message.data, object_hook=_without_nulls)
            except ValueError:
                logger.warning("AssemblyAI sent %d characters that are not JSON", len(message.data))
                continue
            if isinstance(frame, dict):
                return frame

    def _why(self) -> tuple[int, str]:
        """Return code and reason of the session's end: the first that were told, where the code says nothing."""
        code = self._socket.close_code or NO_CLOSE_FRAME
        if self._error is None:
            return code, ""
        said, reason = self._error
        return (said if code in WITHOUT_A_REASON else code), reason

    def _record_closed(self, *, code: int | None = None, reason: str = "", billed_seconds: object = None) -> None:
        if self._closed:
            return
        self._closed = True
        self._recorder.append(
            SttClosed(
                stream=self._stream,
                session=self._session,
                code=code,
                reason=reason,
                billed_seconds=billed_seconds if isinstance(billed_seconds, int | float) else None,
            )
        )


def _without_nulls(fields: Frame) -> Frame:
    """A field that is null says as much as one that is missing."""
    return {name: value for name, value in fields.items() if value is not None}
