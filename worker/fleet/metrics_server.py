"""`/metrics` over HTTP: as one route of a server, and as all that a watcher serves."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from worker.fleet.listening import listen

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
        await listen(self._runner, host, port, "metrics", "fleet.watch_port")

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Free the port."""
        await self._runner.cleanup()


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="OK")
