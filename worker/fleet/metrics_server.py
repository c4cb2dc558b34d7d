"""`/metrics` over HTTP: as one route of a server, and as all that a watcher serves."""

import os
from collections.abc import Awaitable, Callable

from aiohttp import web

from worker.errors import Failed

Metrics = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Returns the text of all metrics and its content type, in the form that an `Accept` header asks for."""


def metrics_route(metrics: Metrics) -> web.RouteDef:
    """Return the route of `/metrics`."""

    async def answer(request: web.Request) -> web.Response:
        body, content_type = await metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return web.get("/metrics", answer)


class MetricsServer:
    """Serves `/livez` and `/metrics` from `start` to `close`.

    Args:
        metrics: asked at each request.
    """

    def __init__(self, metrics: Metrics) -> None:
        app = web.Application()
        app.add_routes([web.get("/livez", _alive), metrics_route(metrics)])
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, host: str, port: int) -> None:
        """Listen on `host` and `port`; port 0 takes a free one.

        Raises:
            Failed: the port is taken or may not be used.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            # asyncio puts the address into the text; a name that cannot be resolved has numbers of its own.
            number = error.errno or 0
            reason = os.strerror(number) if number > 0 else error.strerror
            raise Failed(
                f"Port {port} on {host} cannot be used for metrics ({reason}); "
                "stop what holds it, or set fleet.watch_port to another."
            ) from None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Free the port."""
        await self._runner.cleanup()


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="OK")
