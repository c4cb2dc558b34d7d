"""A stand-in as a process: its listeners, the ready line, the control routes and a clean end."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web

from standins.faults import FaultError

HOST = "127.0.0.1"
END_DEADLINE_S = 1.0  # open connections get this long at the end; the whole process ends within 2 s
STDIN = 0


class Control(Protocol):
    """What a stand-in shows and lets itself be told at `/control`."""

    def state(self) -> dict[str, Any]:
        """`GET /control`: settings, armed faults and what is open now."""

    def log(self) -> dict[str, Any]:
        """`GET /control/log`: what the stand-in saw and sent, for a test to compare with."""

    async def set_fault(self, payload: Any) -> None:
        """`POST /control/faults`.

        Raises:
            FaultError: If the fault is unknown or its options are wrong; answered with 400.
        """

    async def clear_faults(self) -> None:
        """`DELETE /control/faults`."""


class Listeners:
    """The loopback sockets of a stand-in: one for the service, one that only tests use.

    Both lead to the same routes. The second stays open while the first refuses connections, so that a
    test can end what it began.

    Attributes:
        url: The service's own, `http://127.0.0.1:PORT`.
        control_url: Where `/control` always answers.
    """

    def __init__(self, runner: web.AppRunner, port: int) -> None:
        self._runner = runner
        self._port = port
        self._service: web.SockSite | None = None
        self.url = ""
        self.control_url = ""

    async def start(self) -> None:
        """Binds both sockets and accepts.

        Raises:
            OSError: If the port is taken.
        """
        await self._runner.setup()
        self._port = await self._listen()
        control = _bound_socket(0)
        await web.SockSite(self._runner, control).start()
        self.url = f"http://{HOST}:{self._port}"
        self.control_url = f"http://{HOST}:{control.getsockname()[1]}"

    async def _listen(self) -> int:
        bound = _bound_socket(self._port)
        self._service = web.SockSite(self._runner, bound)
        await self._service.start()
        port: int = bound.getsockname()[1]
        return port

    async def refuse(self) -> None:
        """Closes the service's socket: whoever connects now gets ECONNREFUSED. Open connections stay."""
        if self._service is not None:
            site, self._service = self._service, None
            await site.stop()

    async def accept(self) -> None:
        """Listens again on the same port."""
        if self._service is None:
            await self._listen()

    async def close(self) -> None:
        """Ends all connections and both sockets, within the deadline."""
        await self._runner.cleanup()


def _bound_socket(port: int) -> socket.socket:
    """A loopback socket; REUSEADDR lets a stand-in listen again on the port that it had."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setblocking(False)
    try:
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def add_process_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all server stand-ins share: `--port` and `--exit-on-stdin-eof`."""
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one")
    add_end_argument(parser)


def add_end_argument(parser: argparse.ArgumentParser) -> None:
    """`--exit-on-stdin-eof`, with which nothing outlives the process that started it."""
    parser.add_argument("--exit-on-stdin-eof", action="store_true", help="end when standard input is closed")


def add_control_routes(app: web.Application, control: Control) -> None:
    """Adds `/control`, `/control/faults` and `/control/log`, all JSON."""

    async def state(_: web.Request) -> web.Response:
        return web.json_response(control.state())

    async def log(_: web.Request) -> web.Response:
        return web.json_response(control.log())

    async def set_fault(request: web.Request) -> web.Response:
        try:
            await control.set_fault(await read_json(request))
        except FaultError as error:
            return refusal(str(error))
        return web.json_response(control.state())

    async def clear_faults(_: web.Request) -> web.Response:
        await control.clear_faults()
        return web.json_response(control.state())

    app.router.add_get("/control", state)
    app.router.add_get("/control/log", log)
    app.router.add_post("/control/faults", set_fault)
    app.router.add_delete("/control/faults", clear_faults)


async def read_json(request: web.Request) -> Any:
    """The request's body as JSON, or None when it is not JSON: the reader's own check then refuses it."""
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None


def refusal(sentence: str) -> web.Response:
    """A control request that makes no sense: 400 and the reason."""
    return web.json_response({"error": sentence}, status=400)


async def serve(
    service: str,
    app: web.Application,
    *,
    port: int,
    exit_on_stdin_eof: bool,
    listening: Callable[[Listeners], Awaitable[None]] | None = None,
) -> None:
    """Serves a stand-in until SIGTERM, SIGINT or, if asked for, the end of standard input.

    Prints one JSON line when it listens: `event` ("ready"), `service`, `url` and `control`, the address
    at which `/control` answers even while the service refuses connections.

    Args:
        service: The stand-in's name.
        app: Its routes.
        port: The port on 127.0.0.1, 0 for any free one.
        exit_on_stdin_eof: Whether the end of standard input ends it.
        listening: Called with the listeners before the ready line.

    Raises:
        OSError: If the port is taken.
    """
    # Caught first: whoever started this may end it as soon as it has the ready line, or before.
    told = end_announced(exit_on_stdin_eof=exit_on_stdin_eof)
    listeners = Listeners(web.AppRunner(app, access_log=None, shutdown_timeout=END_DEADLINE_S), port)
    try:
        await listeners.start()
        if listening is not None:
            await listening(listeners)
        ready = {
            "event": "ready",
            "service": service,
            "url": listeners.url,
            "control": listeners.control_url,
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await told.wait()
    finally:
        await listeners.close()


async def told_to_end(*, exit_on_stdin_eof: bool) -> None:
    """Waits for SIGTERM, SIGINT or, if asked for, the end of standard input."""
    await end_announced(exit_on_stdin_eof=exit_on_stdin_eof).wait()


def end_announced(*, exit_on_stdin_eof: bool) -> asyncio.Event:
    """An event that is set by SIGTERM, SIGINT or, if asked for, the end of standard input.

    The signals are caught from the return of this function on.
    """
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if exit_on_stdin_eof:

        def watch() -> None:
            while os.read(STDIN, 4096):
                pass
            # The loop may have ended in the meantime, by a signal.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(told.set)

        # A thread, because a loop cannot watch every kind of file that standard input may be;
        # a daemon, because a signal must be able to end the process first.
        threading.Thread(target=watch, name="stdin", daemon=True).start()
    return told
