"""The stand-in's routes, its check of the key, and its control endpoint."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from standins.openai import faults
from standins.openai.chat import Chat
from standins.openai.log import Log
from standins.openai.settings import Settings
from standins.openai.speech import Speech
from standins.process import Listeners, add_control_routes, read_json, refusal
from standins.voices import Synthesizer

MODELS = ("gpt-4o-mini", "gpt-4.1", "gpt-4o-mini-tts", "tts-1")
REQUEST_LIMIT = 16 * 1024 * 1024  # bytes: the conversation of a call of several hours

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Chat and speech behind one port, and what tests may ask and change."""

    def __init__(self, settings: Settings, synthesizer: Synthesizer) -> None:
        self._settings = settings
        self._synthesizer = synthesizer
        self._board = faults.board()
        self._log = Log()
        self._chat = Chat(settings, self._board, self._log)
        self._speech = Speech(settings, self._board, self._log, synthesizer)
        self._listeners: Listeners | None = None

    def app(self) -> web.Application:
        """The routes of the API and of the control endpoint."""
        app = web.Application(middlewares=[self._check_key], client_max_size=REQUEST_LIMIT)
        app.router.add_post("/v1/chat/completions", self._chat.complete)
        app.router.add_post("/v1/audio/speech", self._speech.speak)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/", self._root)
        app.router.add_post("/control/settings", self._change_settings)
        add_control_routes(app, self)
        return app

    async def listening(self, listeners: Listeners) -> None:
        """Keeps the listeners, which the fault `refuse` closes."""
        self._listeners = listeners

    def state(self) -> dict[str, Any]:
        """Settings, armed faults and the voice's engine."""
        return {
            "settings": self._settings.model_dump(),
            "faults": self._board.armed(),
            "voice_engine": self._synthesizer.engine,
        }

    def log(self) -> dict[str, Any]:
        """All requests, with what was answered."""
        return self._log.as_json()

    async def set_fault(self, payload: Any) -> None:
        """Arms a fault.

        Raises:
            FaultError: If it is unknown or its options are wrong.
        """
        fault = self._board.parse(payload)
        self._board.arm(fault)
        if fault.fault == "refuse" and self._listeners is not None:
            await self._listeners.refuse()

    async def clear_faults(self) -> None:
        """Takes all faults away, and listens again."""
        self._board.clear()
        if self._listeners is not None:
            await self._listeners.accept()

    @web.middleware
    async def _check_key(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The API's check: a bearer key on everything but the control endpoint."""
        if not request.path.startswith("/control"):
            scheme, _, key = request.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or not key:
                return faults.refused(401, "You didn't provide an API key: send it as a bearer token.")
            if key == self._settings.refused_key:
                return faults.refused(401)
        return await handler(request)

    async def _models(self, _: web.Request) -> web.Response:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "standin"} for name in MODELS]
        return web.json_response({"object": "list", "data": models})

    async def _root(self, _: web.Request) -> web.Response:
        return web.json_response({"service": "scripted replies and a local voice, not a language model"})

    async def _change_settings(self, request: web.Request) -> web.Response:
        given = await read_json(request)
        try:
            if not isinstance(given, dict):
                return refusal("Settings are one JSON object.")
            changed = Settings.model_validate({**self._settings.model_dump(), **given})
        except ValidationError as error:
            wrong = error.errors()[0]
            return refusal(f"Wrong setting {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}.")
        self._settings = self._chat.settings = self._speech.settings = changed
        return web.json_response(self.state())
