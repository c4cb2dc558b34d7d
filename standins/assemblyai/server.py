"""The stand-in's HTTP side: the upgrade with all its refusals, tokens, and the control routes."""

import asyncio
import contextlib
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from standins.assemblyai import messages
from standins.assemblyai.engine import Ear, Engine, EngineError
from standins.assemblyai.faults import Hang, HttpStatus, Refuse, Timed, fault_board
from standins.assemblyai.light_engine import LightEngine, Script, read_texts
from standins.assemblyai.parameters import ParameterError, Parameters, read_query
from standins.assemblyai.record import SessionRecord
from standins.assemblyai.session import INVALID_MESSAGE, SERVER_ERROR, Session, abort
from standins.assemblyai.tokens import SESSION_DURATION, Tokens
from standins.assemblyai.turns import Turns
from standins.assemblyai.universal_3 import Universal3
from standins.assemblyai.universal_streaming import UniversalStreaming
from standins.process import Listeners, add_control_routes, read_json, refusal

# One message may be so long (AssemblyAI streaming API v3; longer ones are closed with 1009).
LONGEST_MESSAGE_BYTES = 128 * 1024
CLOSE_DEADLINE_S = 1.0
GOING_AWAY = 1001


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions may last, and how late messages are.

    Attributes:
        session_seconds: After which a session expires (3008).
        latency_ms: Real time by which every message is late.
    """

    session_seconds: float = SESSION_DURATION[1]
    latency_ms: int = 0


class Server:
    """AssemblyAI's streaming service, as far as a voice agent sees it.

    Args:
        engine: What hears.
        limits: How long sessions may last, and how late messages are.
    """

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._tokens = Tokens()
        self._board = fault_board()
        self._listeners: Listeners | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._sessions: dict[str, Session] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._records: list[SessionRecord] = []
        self._refused: list[int] = []
        self._released = asyncio.Event()

    def app(self) -> web.Application:
        """The routes of the service and of its control."""
        app = web.Application()
        app.router.add_get("/v3/ws", self._connect)
        app.router.add_get("/v3/token", self._token)
        app.router.add_get("/v2/realtime/ws", self._gone)
        app.router.add_post("/control/script", self._script)
        app.router.add_delete("/control/script", self._forget_scripts)
        add_control_routes(app, self)
        app.on_startup.append(lambda _: self._engine.start())
        app.on_shutdown.append(self._end)
        app.on_cleanup.append(lambda _: self._engine.close())
        return app

    async def listening(self, listeners: Listeners) -> None:
        """Takes note of the listeners, which the fault `refuse` closes."""
        self._listeners = listeners

    def state(self) -> dict[str, Any]:
        """Engine, delays, limits, armed faults and open sessions."""
        return {
            "engine": self._engine.name,
            "delays": asdict(self._engine.delays),
            "limits": asdict(self._limits),
            "faults": self._board.armed(),
            "open_sessions": list(self._sessions),
        }

    def log(self) -> dict[str, Any]:
        """All sessions in the order in which they were opened, and the statuses of refused upgrades."""
        return {"sessions": [asdict(record) for record in self._records], "refused": self._refused}

    async def set_fault(self, payload: Any) -> None:
        """Arms a fault, or strikes the open sessions with it."""
        fault = self._board.parse(payload)
        if isinstance(fault, Refuse):
            await self._refuse(fault)
        elif isinstance(fault, Timed) and fault.when == "now":
            struck = list(self._sessions.values())[: fault.count]
            await asyncio.gather(*(session.strike_from_outside(fault) for session in struck))
        else:
            self._board.arm(fault)

    async def clear_faults(self) -> None:
        """Disarms all faults, listens again and lets go of connections that hang."""
        self._board.clear()
        self._released.set()
        self._released = asyncio.Event()
        await self._accept()

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        """`GET /v3/ws`."""
        fault = self._board.take(lambda fault: isinstance(fault, Hang | HttpStatus))
        if isinstance(fault, HttpStatus):
            return self._refusal(fault.status, "Refused on demand", fault.retry_after)
        if isinstance(fault, Hang) and fault.stage == "upgrade":
            await self._hang(request)
        session_seconds = self._authorized(request)
        if session_seconds is None:
            return self._refusal(401, "Unauthorized")

        socket = web.WebSocketResponse(timeout=CLOSE_DEADLINE_S, max_msg_size=LONGEST_MESSAGE_BYTES, compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            if isinstance(fault, Hang):
                await self._hang(request)
            else:
                await self._serve(request, socket, session_seconds)
        finally:
            self._sockets.discard(socket)
        return socket

    def _authorized(self, request: web.Request) -> float | None:
        """How long the session may last in seconds, None without a valid key or token.

        The key is sent as it is: a scheme such as `Bearer` before it is refused, as by the service.
        """
        token = request.query.get("token")
        key = request.headers.get("Authorization", "")
        for candidate in filter(None, (token, key)):
            allowed = self._tokens.redeem(candidate)
            if allowed is not None:
                return min(allowed, self._limits.session_seconds)
        if token is not None or not key or " " in key:
            return None
        return self._limits.session_seconds

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse, session_seconds: float) -> None:
        query = {name: value for name, value in request.query.items() if name != "token"}
        record = SessionRecord(id=str(uuid.uuid4()), query=query)
        self._records.append(record)
        try:
            parameters = read_query(query)
            ear = await self._engine.open()
        except ParameterError as error:
            await _close_with_error(socket, INVALID_MESSAGE, str(error))
        except EngineError as error:
            await _close_with_error(socket, SERVER_ERROR, str(error))
        else:
            session = Session(
                request=request,
                socket=socket,
                parameters=parameters,
                ear=ear,
                turns=self._turns(parameters, ear),
                board=self._board,
                record=record,
                session_seconds=session_seconds,
                latency_ms=self._limits.latency_ms,
            )
            try:
                await self._run(session, record.id)
            finally:
                await ear.close()
        finally:
            record.close(socket.close_code)

    async def _run(self, session: Session, session_id: str) -> None:
        fault = self._board.take(lambda fault: isinstance(fault, Timed) and fault.when == "connect")
        if isinstance(fault, Timed):
            await session.strike(fault)
        self._sessions[session_id] = session
        try:
            await session.run()
        finally:
            del self._sessions[session_id]

    def _turns(self, parameters: Parameters, ear: Ear) -> Turns:
        family = UniversalStreaming if parameters.family == "universal-streaming" else Universal3
        turns: Turns = family(parameters, self._engine.delays, ear.wording)
        return turns

    def _refusal(self, status: int, sentence: str, retry_after: int | None = None) -> web.Response:
        self._refused.append(status)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return web.json_response({"error": sentence}, status=status, headers=headers)

    async def _hang(self, request: web.Request) -> None:
        """Waits until the faults are cleared or the stand-in ends, then drops the connection."""
        await self._released.wait()
        abort(request)

    async def _refuse(self, fault: Refuse) -> None:
        if self._listeners is not None:
            await self._stop_accepting()
            await self._listeners.refuse()
            if fault.seconds is not None:
                self._accepting = asyncio.create_task(self._accept_after(fault.seconds), name="accept again")

    async def _accept_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._listeners is not None:
            await self._listeners.accept()

    async def _accept(self) -> None:
        await self._stop_accepting()
        if self._listeners is not None:
            await self._listeners.accept()

    async def _stop_accepting(self) -> None:
        """Forgets a `refuse` that was to end by itself."""
        task, self._accepting = self._accepting, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _token(self, request: web.Request) -> web.Response:
        """`GET /v3/token`."""
        key = request.headers.get("Authorization", "")
        if not key or " " in key:
            return self._refusal(401, "Unauthorized")
        try:
            expires_in_s = int(request.query.get("expires_in_seconds", ""))
            session_s = int(request.query.get("max_session_duration_seconds", str(SESSION_DURATION[1])))
            token = self._tokens.issue(expires_in_s, session_s)
        except ValueError as error:
            return refusal(str(error))
        return web.json_response({"token": token, "expires_in_seconds": expires_in_s})

    async def _gone(self, _: web.Request) -> web.Response:
        """The old endpoint of API v2."""
        return self._refusal(410, "This endpoint is gone: use /v3/ws")

    async def _script(self, request: web.Request) -> web.Response:
        """`POST /control/script`: texts for the light engine."""
        if not isinstance(self._engine, LightEngine):
            return refusal("Only the light engine takes a script: the speech engine hears for itself.")
        payload = await read_json(request)
        try:
            values = dict(payload) if isinstance(payload, dict) else {}
            script = Script.model_validate(values | {"texts": read_texts(values.get("texts"))})
        except ValidationError as error:
            return refusal(f"Wrong script: {error.errors()[0]['msg']}.")
        self._engine.add(script)
        return web.json_response(self.state())

    async def _forget_scripts(self, _: web.Request) -> web.Response:
        """`DELETE /control/script`: connections take the texts of the words file again."""
        if isinstance(self._engine, LightEngine):
            self._engine.forget()
        return web.json_response(self.state())

    async def _end(self, _: web.Application) -> None:
        """Says goodbye to the open connections."""
        await self._stop_accepting()
        self._released.set()
        sockets = list(self._sockets)
        async with asyncio.timeout(CLOSE_DEADLINE_S):
            await asyncio.gather(
                *(socket.close(code=GOING_AWAY, message=b"Server is going away") for socket in sockets),
                return_exceptions=True,
            )


async def _close_with_error(socket: web.WebSocketResponse, code: int, sentence: str) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.send_json(messages.error(code, sentence))
        await socket.close(code=code, message=sentence.encode()[:123])
